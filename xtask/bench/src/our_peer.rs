//! Our stack as the peer: the same services over its sockets.

use std::io::{self, Read, Write};
use std::thread;

use anyhow::Result;
use bench::sandbox::our_host;
use step07_tcp::host::Host;
use step07_tcp::tcp_listener::TcpListener;
use step07_tcp::tcp_stream::TcpStream;

use crate::scenario::port;
use crate::turns;

/// Serves on tap0 until it is killed.
pub fn serve(offload: bool) -> Result<()> {
    let (host, _running) = our_host(offload)?;
    thread::scope(|scope| {
        for (port, service) in services() {
            let host = &host;
            scope.spawn(move || listen(host, port, service));
        }
    });
    Ok(())
}

type Service = fn(TcpStream) -> io::Result<()>;

fn services() -> [(u16, Service); 3] {
    [
        (port::ECHO, echo),
        (port::SINK, sink),
        (port::SOURCE, source),
    ]
}

fn listen(host: &Host, port: u16, service: Service) -> io::Result<()> {
    let listener = TcpListener::bind(&host.tcp, ("0.0.0.0", port))?;
    turns::serve(
        || listener.accept().map(|(stream, _)| stream),
        |stream| {
            stream.set_nodelay(true)?;
            service(stream)
        },
    )
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            len => stream.write_all(&buffer[..len])?,
        }
    }
}

fn sink(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

fn source(mut stream: TcpStream) -> io::Result<()> {
    let buffer = vec![0x5a; 64 * 1024];
    loop {
        stream.write_all(&buffer)?;
    }
}
