//! The guide's steps: which crate, which example, which page, how long.
//!
//! The steps are those of the table in README.md. A page of the book belongs
//! to a step by its name, `book/src/step05/guide12.md` or `guide12_tap.md`, and
//! says in its badge line how long it takes: `**minutes** 40`.

use anyhow::{Context, Result};

use crate::book::{Files, Findings, PAGES};
use crate::exercises::manifest;

/// The longest session of a class, in minutes.
const SESSION: u32 = 90;
/// How far a session may be too long, before a page goes into the next one.
const TOLERANCE: u32 = 5;
const README: &str = "README.md";
const SUMMARY: &str = "book/src/SUMMARY.md";

/// A row of the table.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    number: String,
    krate: String,
    examples: Vec<String>,
    topic: String,
}

fn steps(files: &Files) -> Result<Vec<Step>> {
    let readme = files.get(README).context("no README.md")?;
    let lines = readme
        .lines()
        .skip_while(|line| !line.starts_with("| step | crate |"));
    let rows = lines.skip(2).take_while(|line| line.starts_with('|'));
    let mut steps = Vec::new();
    for row in rows {
        let columns: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [number, krate, examples, topic] = columns.as_slice() else {
            anyhow::bail!("README.md: not a row of four columns: {row}");
        };
        let examples = examples
            .split(", ")
            .map(|name| name.trim_matches('`').to_owned());
        steps.push(Step {
            number: (*number).to_owned(),
            krate: (*krate).to_owned(),
            examples: examples.collect(),
            topic: (*topic).to_owned(),
        });
    }
    anyhow::ensure!(
        !steps.is_empty(),
        "README.md has no table '| step | crate |'"
    );
    Ok(steps)
}

/// Text that pages include: path and text.
pub fn tables(files: &Files) -> Result<Vec<(String, String)>> {
    Ok(vec![
        (format!("{PAGES}guide/table.txt"), table(files)?),
        (format!("{PAGES}teacher/plan.txt"), plan(files)),
        (format!("{PAGES}teacher/chapters.txt"), chapters(files)?),
    ])
}

fn table(files: &Files) -> Result<String> {
    let mut text = "| step | topic | run | pages |\n|---|---|---|---|\n".to_owned();
    for step in steps(files)? {
        let floor = step.krate.split('_').next().unwrap_or_default();
        let runs: Vec<String> = step
            .examples
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        let mut links: Vec<String> = pages_of(files, &step)
            .map(|(path, text)| format!("[{}]({})", title(text), path.trim_start_matches(PAGES)))
            .collect();
        if links.is_empty() {
            links.push(format!("[{floor}]({floor}.md)"));
        }
        let (number, topic, runs, links) =
            (step.number, step.topic, runs.join(", "), links.join(", "));
        text.push_str(&format!(
            "| {number} | {topic} | `{}` {runs} | {links} |\n",
            step.krate
        ));
    }
    Ok(text)
}

/// The pages of a step: those whose name begins as its examples' do.
fn pages_of<'a>(files: &'a Files, step: &Step) -> impl Iterator<Item = (&'a str, &'a str)> {
    let floor = step.krate.split('_').next().unwrap_or_default().to_owned();
    let number = step
        .examples
        .first()
        .map(|name| name.chars().take(7).collect::<String>());
    let prefix = format!("{PAGES}{floor}/{}", number.unwrap_or_default());
    let pages = crate::book::pages(files);
    pages.filter(move |(path, _)| path.starts_with(&prefix))
}

/// The first heading, without its id.
fn title(text: &str) -> &str {
    let heading = text.lines().find_map(|line| line.strip_prefix("# "));
    let title = heading.unwrap_or_default();
    title.split(" {#").next().unwrap_or(title).trim()
}

/// What a page's badge line says: `**minutes** 40`.
pub fn minutes(text: &str) -> Option<u32> {
    let (_, behind) = text.split_once("**minutes** ")?;
    let digits = behind.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// A page that takes time: which chapter, path, title, minutes.
struct Lesson<'a> {
    chapter: &'a str,
    path: &'a str,
    title: &'a str,
    minutes: u32,
}

/// The pages with minutes, in the order of the contents.
fn lessons(files: &Files) -> Vec<Lesson<'_>> {
    let summary = files.get(SUMMARY).map(String::as_str).unwrap_or_default();
    let mut lessons = Vec::new();
    let mut chapter = "";
    for line in summary.lines() {
        let Some((head, path)) = line.split_once("](") else {
            continue;
        };
        let path = path.split(')').next().unwrap_or_default();
        let page = files.get_key_value(&format!("{PAGES}{path}"));
        let Some((_, text)) = page else { continue };
        if !head.starts_with(' ') {
            chapter = title(text);
        }
        if let Some(minutes) = minutes(text) {
            let title = title(text);
            lessons.push(Lesson {
                chapter,
                path,
                title,
                minutes,
            });
        }
    }
    lessons
}

/// Sessions: as many pages in each as fit, and none of two chapters.
fn plan(files: &Files) -> String {
    let mut sessions: Vec<(u32, Vec<String>)> = Vec::new();
    let mut chapter = "";
    for lesson in lessons(files) {
        let link = format!("[{}]({}) ({})", lesson.title, lesson.path, lesson.minutes);
        match sessions.last_mut() {
            Some((sum, links))
                if lesson.chapter == chapter && *sum + lesson.minutes <= SESSION + TOLERANCE =>
            {
                *sum += lesson.minutes;
                links.push(link);
            }
            _ => sessions.push((lesson.minutes, vec![link])),
        }
        chapter = lesson.chapter;
    }
    let mut text = "| session | pages (minutes) | together |\n|--:|---|--:|\n".to_owned();
    for (index, (sum, links)) in sessions.iter().enumerate() {
        let links = links.join(" · ");
        text.push_str(&format!("| {} | {links} | {sum} |\n", index + 1));
    }
    text
}

/// What a chapter takes.
#[derive(Default)]
struct Chapter<'a> {
    title: &'a str,
    pages: usize,
    minutes: u32,
    exercises: usize,
    exercise_minutes: u32,
}

/// The minutes of each chapter and of its exercises, and of the book.
fn chapters(files: &Files) -> Result<String> {
    let mut exercises = Vec::new();
    for (path, text) in files {
        if path.ends_with("/exercises.toml") {
            let manifest = manifest::exercises(text).map_err(anyhow::Error::msg);
            exercises.extend(manifest.with_context(|| path.clone())?.exercises);
        }
    }
    let mut chapters: Vec<Chapter<'_>> = Vec::new();
    for lesson in lessons(files) {
        if chapters
            .last()
            .is_none_or(|last| last.title != lesson.chapter)
        {
            chapters.push(Chapter {
                title: lesson.chapter,
                ..Chapter::default()
            });
        }
        let page = format!("{PAGES}{}", lesson.path);
        if let Some(chapter) = chapters.last_mut() {
            chapter.pages += 1;
            chapter.minutes += lesson.minutes;
            for exercise in exercises.iter().filter(|exercise| exercise.page == page) {
                chapter.exercises += 1;
                chapter.exercise_minutes += u32::from(exercise.minutes);
            }
        }
    }
    let mut together = Chapter {
        title: "together",
        ..Chapter::default()
    };
    for chapter in &chapters {
        together.pages += chapter.pages;
        together.minutes += chapter.minutes;
        together.exercises += chapter.exercises;
        together.exercise_minutes += chapter.exercise_minutes;
    }
    chapters.push(together);
    let mut text = "| chapter | pages | minutes | exercises | their minutes |\n\
        |---|--:|--:|--:|--:|\n"
        .to_owned();
    for chapter in chapters {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            chapter.title,
            chapter.pages,
            chapter.minutes,
            chapter.exercises,
            chapter.exercise_minutes
        ));
    }
    Ok(text)
}

/// Every example is in the table, every page of a step says how long it takes.
pub fn check(files: &Files) -> Findings {
    let mut findings = Findings::default();
    let steps = steps(files).unwrap_or_else(|error| {
        findings.error(README, 1, error);
        Vec::new()
    });
    for file in files.keys() {
        let mut parts = file.split('/');
        let (krate, folder, name) = (parts.next(), parts.next(), parts.next());
        let name = name.and_then(|name| name.strip_suffix(".rs"));
        if let (Some(krate), Some("examples"), Some(name)) = (krate, folder, name)
            && name.starts_with("guide")
        {
            let is_it =
                |step: &Step| step.krate == krate && step.examples.iter().any(|e| e == name);
            if !steps.iter().any(is_it) {
                findings.error(file, 1, "not in the table of steps in README.md");
            }
        }
    }
    for (path, text) in crate::book::pages(files) {
        let name = path.rsplit('/').next().unwrap_or_default();
        if path.starts_with("book/src/step") && name.starts_with("guide") && minutes(text).is_none()
        {
            findings.error(
                path,
                1,
                "no badge line says how long it takes: '**minutes** 40'",
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::files;

    const TABLE: &str = "x\n\n| step | crate | example | what is new |\n|---|---|---|---|\n\
        | 1 | step01_device | `guide01_a` | a device |\n\
        | 20 | step06_udp | `guide20_1_b`, `guide20_2_c` | sockets |\n\ny\n";

    const EXERCISE: &str = "[[exercise]]\nid = \"1.1\"\ntitle = \"t\"\nminutes = 25\n\
        page = \"book/src/step01/guide01.md\"\ntests = [\"exercises::a\"]\n\
        statement = \"s\"\nhints = [\"a\", \"b\", \"c\"]\n";

    fn world() -> Files {
        files([
            (README, TABLE),
            (
                SUMMARY,
                "- [A](a.md)\n  - [B](step01/guide01.md)\n  - [B2](step01/guide01_more.md)\n- [C](c.md)\n- [D](d.md)\n",
            ),
            ("step01_device/examples/guide01_a.rs", ""),
            ("step06_udp/examples/guide20_1_b.rs", ""),
            ("step06_udp/examples/guide20_2_c.rs", ""),
            ("book/src/a.md", "# Chapter A {#a}\n"),
            (
                "book/src/step01/guide01.md",
                "# One {#one}\n> **crate** x · **minutes** 40 · y\n",
            ),
            (
                "book/src/step01/guide01_more.md",
                "# Two\n> **minutes** 50\n",
            ),
            ("book/src/c.md", "# Chapter C\n**minutes** 30\n"),
            ("book/src/d.md", "# Chapter D\n**minutes** 10\n"),
            ("step01_device/exercises.toml", EXERCISE),
        ])
    }

    #[test]
    fn tables_of_steps_and_minutes() {
        let tables = tables(&world()).unwrap();
        let rows = "| 1 | a device | `step01_device` `guide01_a` | [One](step01/guide01.md), [Two](step01/guide01_more.md) |\n\
            | 20 | sockets | `step06_udp` `guide20_1_b`, `guide20_2_c` | [step06](step06.md) |\n";
        assert!(tables[0].1.ends_with(rows), "{}", tables[0].1);
        let rows = "| 1 | [One](step01/guide01.md) (40) · [Two](step01/guide01_more.md) (50) | 90 |\n\
            | 2 | [Chapter C](c.md) (30) | 30 |\n\
            | 3 | [Chapter D](d.md) (10) | 10 |\n";
        assert!(tables[1].1.ends_with(rows), "{}", tables[1].1);
        let rows = "| Chapter A | 2 | 90 | 1 | 25 |\n| Chapter C | 1 | 30 | 0 | 0 |\n\
            | Chapter D | 1 | 10 | 0 | 0 |\n| together | 4 | 130 | 1 | 25 |\n";
        assert!(tables[2].1.ends_with(rows), "{}", tables[2].1);
        assert_eq!(check(&world()), Findings::default());
    }

    #[test]
    fn what_is_left_out() {
        let mut lost = world();
        lost.insert(
            "step01_device/examples/guide99_z.rs".to_owned(),
            String::new(),
        );
        let expected =
            ["step01_device/examples/guide99_z.rs:1: not in the table of steps in README.md"];
        assert_eq!(check(&lost).errors, expected);
        let mut endless = world();
        endless.insert(
            "book/src/step01/guide01.md".to_owned(),
            "# One\n**minutes** ?".to_owned(),
        );
        let errors = check(&endless).errors;
        assert!(errors[0].starts_with("book/src/step01/guide01.md:1: no badge line"));
        let mut bare = world();
        bare.insert(README.to_owned(), "no table".to_owned());
        assert!(tables(&bare).is_err());
        assert!(check(&bare).errors[0].contains("has no table"));
    }
}
