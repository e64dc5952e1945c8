//! The built book in a real browser: `cargo xtask browser`.
//!
//! A headless Chromium opens a page of ours, which opens the book's pages in
//! frames, measures them, and tells the server what it has found. So it needs
//! no protocol but HTTP, and what is measured is what a reader sees.

mod server;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::book::Findings;
use crate::mdbook;
use crate::skip::skip;
use server::Server;

/// How long all pages together may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// What Chromium may be called.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// Pages that are no pages of the book, or all of them at once.
const OTHERS: [&str; 3] = ["404.html", "print.html", "toc.html"];
/// What is on a picture of the book: page, theme, width and height.
const PICTURES: [(&str, &str, u32, u32); 14] = [
    ("index.html", "light", 1280, 1600),
    ("index.html", "navy", 1280, 1600),
    ("index.html", "light", 500, 1600),
    ("step01.html", "light", 1280, 1600),
    ("step02.html", "navy", 1280, 1600),
    ("step03.html", "light", 1280, 1600),
    ("step04.html", "coal", 1280, 1600),
    ("step05.html", "light", 500, 1600),
    ("step06.html", "rust", 1280, 1600),
    ("step07.html", "navy", 1280, 1600),
    ("step05/added.html", "navy", 1280, 4000),
    ("time_machine.html", "light", 1280, 1600),
    ("time_machine.html", "navy", 1280, 1600),
    ("time_machine.html", "light", 500, 1600),
];

/// Builds the book and looks at it; takes pictures into a folder, if there is
/// one. True if all is well.
pub fn run(root: &Path, pictures: Option<&Path>) -> Result<bool> {
    let Some(chromium) = find() else {
        let names = NAMES.join(", ");
        skip(&format!("no page is looked at: there is none of {names}"))?;
        return Ok(true);
    };
    if mdbook::build(root)?.is_none() {
        return Ok(true);
    }
    let folder = root.join("book/book");
    let plan = Plan {
        pages: pages(&folder)?,
        search: Some("index.html"),
        machine: Some("time_machine.html"),
    };
    let (findings, summary) = look(&chromium, &folder, &plan)?;
    for error in &findings.errors {
        println!("error: {error}");
    }
    println!("browser: {summary}");
    if let Some(pictures) = pictures {
        fs::create_dir_all(pictures)?;
        take_pictures(&chromium, &folder, pictures)?;
    }
    Ok(findings.errors.is_empty())
}

fn find() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    let names = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |f| f.join(name)));
    names.into_iter().find(|path| path.is_file())
}

/// What is to be looked at.
struct Plan {
    pages: Vec<String>,
    /// The page in which is searched.
    search: Option<&'static str>,
    /// The time machine's page.
    machine: Option<&'static str>,
}

impl Plan {
    fn json(&self) -> String {
        let string = |text: &str| format!("\"{text}\"");
        let pages: Vec<String> = self.pages.iter().map(|page| string(page)).collect();
        let or_null = |page: Option<&str>| page.map_or("null".to_owned(), string);
        let (search, machine) = (or_null(self.search), or_null(self.machine));
        let pages = pages.join(",");
        format!("{{\"pages\":[{pages}],\"search\":{search},\"machine\":{machine}}}")
    }
}

/// The HTML pages of a folder.
fn pages(folder: &Path) -> Result<Vec<String>> {
    let site = crate::html::read(folder)?;
    let names = site.into_iter().filter(|(_, html)| html.is_some());
    let names = names.map(|(name, _)| name);
    Ok(names
        .filter(|name| !OTHERS.contains(&name.as_str()))
        .collect())
}

/// What the browser finds wrong, and a summary.
fn look(chromium: &Path, folder: &Path, plan: &Plan) -> Result<(Findings, String)> {
    let (done, result) = mpsc::channel();
    let server = Server::start(folder, plan.json(), done)?;
    let browser = Browser::start(chromium, &[&server.url("__check/page.html")])?;
    let report = result.recv_timeout(PATIENCE);
    drop(browser);
    judge(&report.context("the browser has not reported in time")?)
}

/// Reads what the page has reported.
fn judge(report: &str) -> Result<(Findings, String)> {
    let mut findings = Findings::default();
    let mut summary = None;
    for line in report.lines() {
        match line.strip_prefix("error ") {
            Some(error) => findings.errors.push(error.to_owned()),
            // An error may have several lines.
            None => summary = line.strip_prefix("done: ").or(summary),
        }
    }
    match summary {
        Some(summary) => Ok((findings, summary.to_owned())),
        None if !findings.errors.is_empty() => Ok((findings, "not at the end".to_owned())),
        None => bail!("the page reports: '{report}'"),
    }
}

fn take_pictures(chromium: &Path, folder: &Path, pictures: &Path) -> Result<()> {
    let (done, _result) = mpsc::channel();
    let server = Server::start(folder, String::new(), done)?;
    for (page, theme, width, height) in PICTURES {
        let name = page.replace(".html", "").replace('/', "-");
        let file = pictures.join(format!("{name}-{theme}-{width}.png"));
        let picture = format!("--screenshot={}", file.display());
        let size = format!("--window-size={width},{height}");
        let url = server.url(&format!("{page}?theme={theme}"));
        Browser::start(chromium, &[&picture, &size, &url])?.wait()?;
        println!("browser: {}", file.display());
    }
    Ok(())
}

/// A browser that runs, with a folder of its own; it ends when this is dropped.
struct Browser {
    child: Child,
    profile: PathBuf,
}

impl Browser {
    fn start(chromium: &Path, args: &[&str]) -> Result<Self> {
        let name = format!(
            "microps-browser-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        );
        let profile = env::temp_dir().join(name);
        let mut command = Command::new(chromium);
        command
            .args([
                "--headless",
                "--disable-gpu",
                "--hide-scrollbars",
                "--no-first-run",
            ])
            // What it would like to ask the Internet has nothing to do with us.
            .args([
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .arg(format!("--user-data-dir={}", profile.display()));
        // Its sandbox refuses to work for root.
        if fs::metadata("/proc/self")?.uid() == 0 {
            command.arg("--no-sandbox");
        }
        let child = command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot run {}", chromium.display()))?;
        Ok(Self { child, profile })
    }

    fn wait(mut self) -> Result<()> {
        let status = self.child.wait()?;
        match status.success() {
            true => Ok(()),
            false => bail!("the browser ends with {status}"),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself; and a folder left behind harms nobody.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in a site of one page, `body` being its `<body>`, and of
    /// `others`.
    fn errors_with(name: &str, body: &str, others: &[(&str, String)]) -> Option<Vec<String>> {
        let Some(chromium) = find() else {
            skip("no Chromium").unwrap();
            return None;
        };
        let folder = env::temp_dir().join(format!("microps-site-{}-{name}", std::process::id()));
        fs::create_dir_all(folder.join("time_machine")).unwrap();
        let html = format!(
            "<!doctype html><html><head></head><body style='margin:0'><main>{body}</main></body></html>"
        );
        fs::write(folder.join("a.html"), html).unwrap();
        for (path, text) in others {
            fs::write(folder.join(path), text).unwrap();
        }
        let plan = Plan {
            pages: pages(&folder).unwrap(),
            search: None,
            machine: body.contains("id=\"machine\"").then_some("a.html"),
        };
        let found = look(&chromium, &folder, &plan);
        fs::remove_dir_all(&folder).unwrap();
        Some(found.unwrap().0.errors)
    }

    fn errors(name: &str, body: &str) -> Option<Vec<String>> {
        errors_with(name, body, &[])
    }

    /// Asserts that exactly one thing is wrong, and what.
    fn assert_wrong(name: &str, body: &str, what: &str) {
        if let Some(errors) = errors(name, body) {
            let found = errors.iter().all(|error| error.contains(what));
            assert!(found && !errors.is_empty(), "{what}: {errors:?}");
        }
    }

    #[test]
    fn a_page_that_is_fine() {
        let body = "<h1>A</h1><div style='overflow-x:auto'><pre>".to_owned()
            + &"long ".repeat(99)
            + "</pre></div><img alt='dot' src='data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='>";
        if let Some(errors) = errors("fine", &body) {
            assert_eq!(errors, [""; 0]);
        }
    }

    #[test]
    fn what_is_planted_is_found() {
        let wide = "<p style='width:400px'>A</p>";
        assert_wrong(
            "wide",
            wide,
            "a.html: is wider than 360: <p class=\"\"> 'A'",
        );
        let picture = "<img alt='no' src='no.png'>";
        if let Some(errors) = errors("picture", picture) {
            assert_eq!(errors.len(), 2, "{errors:?}");
            assert_eq!(errors[0], "a.html: a picture does not load: no.png");
        }
        let script = "<script>undefined.x;</script>";
        assert_wrong("script", script, "a script fails: Uncaught TypeError");
        let grey = "<p style='color:#999;background:#fff'>A</p>";
        assert_wrong("grey", grey, "a contrast of 2.8: <p class=\"\"> 'A'");
    }

    /// What is found in the time machine, after `old` in its script or style has
    /// become `new`.
    fn machine_errors(name: &str, old: &str, new: &str) -> Option<Vec<String>> {
        let source = crate::root().join("book/src");
        let read = |path: &str| fs::read_to_string(source.join(path)).unwrap();
        let page = read("time_machine.md");
        let (_, body) = page.split_once("<link").unwrap();
        let (body, _) = body.rsplit_once("</script>").unwrap();
        let picture = read("time_machine/ladder.svg");
        let body = body.replace("{{#include time_machine/ladder.svg}}", &picture);
        let (script, style) = (
            read("time_machine/machine.js"),
            read("time_machine/machine.css"),
        );
        assert!(script.contains(old) || style.contains(old), "{old}");
        let files = [
            ("time_machine/machine.js", script.replace(old, new)),
            ("time_machine/machine.css", style.replace(old, new)),
            ("time_machine/data.js", read("time_machine/data.js")),
        ];
        errors_with(name, &format!("<link{body}</script>"), &files)
    }

    #[test]
    fn a_time_machine_that_does_not_move() {
        if let Some(errors) = machine_errors("machine", "", "") {
            assert_eq!(errors, [""; 0]);
        }
        for (name, old, new, what) in [
            (
                "stuck",
                "goTo(now + 1)",
                "goTo(now)",
                "shows the line 0 instead of 1",
            ),
            (
                "dark",
                "lit && \"tm-lit\"))",
                "\"\"))",
                "lights up no log or source",
            ),
            (
                "link",
                "location.hash.match",
                "\"\".match",
                "a link to a frame",
            ),
        ] {
            if let Some(errors) = machine_errors(name, old, new) {
                let found = errors.iter().any(|error| error.contains(what));
                assert!(found, "{name}: {errors:?}");
            }
        }
    }

    #[test]
    fn what_the_page_reports() {
        let (findings, summary) = judge("error a: b\n  more\ndone: 2 pages").unwrap();
        assert_eq!(
            (findings.errors, summary.as_str()),
            (vec!["a: b".to_owned()], "2 pages")
        );
        assert!(judge("").is_err());
        assert_eq!(judge("error x").unwrap().1, "not at the end");
    }

    #[test]
    fn a_plan() {
        let plan = Plan {
            pages: vec!["a.html".to_owned(), "b.html".to_owned()],
            search: Some("a.html"),
            machine: None,
        };
        let expected = "{\"pages\":[\"a.html\",\"b.html\"],\"search\":\"a.html\",\"machine\":null}";
        assert_eq!(plan.json(), expected);
    }
}
