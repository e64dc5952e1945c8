//! The built book in a real browser: `cargo xtask browser`.
//!
//! A headless Chromium opens a page of ours, which opens the book's pages in
//! frames, measures them, and tells the server what it has found. So it needs
//! no protocol but HTTP, and what is measured is what a reader sees.

mod server;
#[cfg(test)]
mod tests;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::book::Findings;
use crate::mdbook;
use crate::skip::skip;
use server::Server;

/// How long all pages together may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// The file with what it says on stderr.
const SAID: &str = "said.txt";
/// What Chromium may be called.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// Pages that are no pages of the book. (All of them at once, for print, are one.)
const OTHERS: [&str; 2] = ["404.html", "toc.html"];
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
    let mut browser = Browser::start(chromium, &[&server.url("__check/page.html")])?;
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        match result.recv_timeout(Duration::from_millis(200)) {
            Ok(report) => return judge(&report),
            Err(_) => browser.is_alive()?,
        }
    }
    bail!("the browser has not reported in time")
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
        fs::create_dir_all(&profile)?;
        let said = fs::File::create(profile.join(SAID))?;
        let child = command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .with_context(|| format!("cannot run {}", chromium.display()))?;
        Ok(Self { child, profile })
    }

    fn wait(mut self) -> Result<()> {
        let status = self.child.wait()?;
        match status.success() {
            true => Ok(()),
            false => bail!("the browser ends with {status}: {}", self.complaint()),
        }
    }

    /// An error if it has ended, with what it has said.
    fn is_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("the browser has ended with {status}: {}", self.complaint()),
            None => Ok(()),
        }
    }

    /// What it has said of a fatal error, or else its last line.
    fn complaint(&self) -> String {
        let said = fs::read_to_string(self.profile.join(SAID)).unwrap_or_default();
        let fatal = said.lines().find(|line| line.contains("FATAL"));
        fatal.or(said.lines().last()).unwrap_or_default().to_owned()
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
