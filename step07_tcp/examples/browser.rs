//! Beyond the guide: host b asks host a for a page, as a browser does, and a
//! answers by HTTP over its TCP. The page says what a is doing at that moment.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use step07_tcp::cli;
use step07_tcp::config::Config;
use step07_tcp::http;
use step07_tcp::scene::{self, Scene};
use step07_tcp::tcp_listener::TcpListener;

/// What browsers send, and a little less.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: 192.0.2.2\r\nAccept: text/html\r\n\r\n";

fn main() -> ExitCode {
    let about = "Beyond the guide: a page over HTTP, served by the stack itself.";
    cli::scene("browser", about, |env| {
        let mut scene = Scene::new(env, &Config::default())?;
        let listener = TcpListener::bind(&scene.a.tcp, ("0.0.0.0", http::PORT))?;
        listener.set_nonblocking(true)?;
        let mut client = scene::connect(&scene.b, "192.0.2.2:80")?;
        scene.run(Duration::from_millis(100));

        // ANCHOR: scene
        client.write_all(REQUEST)?;
        scene.run(Duration::from_millis(100));
        let (server, _) = listener.accept()?;
        // The request is there as a whole: nothing has to wait.
        http::serve(&scene.a, &server)?;
        drop(server);
        // ANCHOR_END: scene
        scene.run(Duration::from_millis(100));

        let answer = scene::read_text(&client)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        println!("{}", head.replace('\r', ""));
        println!("\n{} octets of HTML, among them:", body.len());
        for row in body.split("<tr>").filter(|row| row.contains(":80<")) {
            let cells = row.split("<td>").skip(1);
            let cells = cells.filter_map(|cell| cell.split('<').next());
            println!("{}", cells.collect::<Vec<_>>().join("  "));
        }
        drop(client);
        scene.run(Duration::from_secs(1));
        scene.close();
        scene.draw();
        Ok(())
    })
}
