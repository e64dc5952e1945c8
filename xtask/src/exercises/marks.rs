//! The marks round a hole, in a source:
//!
//! ```text
//! // EXERCISE 3.1: Sum up the words
//! //~ let _ = data;            stands in the student's file
//! …                            the solution
//! // END 3.1
//! ```
//!
//! An exercise may have more than one hole; each has its own pair of marks.

use super::id::Id;

const BEGIN: &str = "// EXERCISE ";
const END: &str = "// END ";
const STAND_IN: &str = "//~";

/// A hole: the lines between two marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The exercise.
    pub id: Id,
    /// Its title, as the mark gives it.
    pub title: String,
    /// The line of the first mark, from 0.
    pub begin: usize,
    /// The line of the last mark, from 0.
    pub end: usize,
    /// The white space before the first mark.
    pub indent: String,
}

/// True for a line that is one of the marks, or a line of a stand-in.
pub fn is_mark(line: &str) -> bool {
    let line = line.trim_start();
    [BEGIN, END]
        .iter()
        .any(|mark| line.strip_prefix(mark).is_some_and(begins_with_digit))
        || line.starts_with(STAND_IN)
}

fn begins_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// The holes of a source, in its order.
///
/// # Errors
/// The line, from 1, and what is wrong there.
pub fn holes(text: &str) -> Result<Vec<Hole>, (usize, String)> {
    let mut holes = Vec::new();
    let mut open: Option<Hole> = None;
    for (at, line) in text.lines().enumerate() {
        let wrong = |what: String| Err((at + 1, what));
        let trimmed = line.trim_start();
        if let Some(mark) = trimmed.strip_prefix(BEGIN).filter(|t| begins_with_digit(t)) {
            let Some((id, title)) = mark.split_once(": ") else {
                return wrong("the form is '// EXERCISE 3.1: title'".to_owned());
            };
            let id: Id = id.parse().map_err(|what| (at + 1, what))?;
            if let Some(open) = open {
                return wrong(format!("exercise {id} begins within {}", open.id));
            }
            open = Some(Hole {
                id,
                title: title.trim().to_owned(),
                begin: at,
                end: at,
                indent: line[..line.len() - trimmed.len()].to_owned(),
            });
        } else if let Some(id) = trimmed.strip_prefix(END).filter(|t| begins_with_digit(t)) {
            let id: Id = id.trim().parse().map_err(|what| (at + 1, what))?;
            match open.take() {
                Some(mut hole) if hole.id == id => {
                    hole.end = at;
                    holes.push(hole);
                }
                _ => return wrong(format!("exercise {id} ends, but has not begun")),
            }
        }
    }
    match open {
        Some(hole) => Err((hole.begin + 1, format!("exercise {} does not end", hole.id))),
        None => Ok(holes),
    }
}

/// The lines between the marks of `hole`, in the text where it was found.
pub fn inside(text: &str, hole: &Hole) -> String {
    let lines = text.split_inclusive('\n');
    lines
        .skip(hole.begin + 1)
        .take(hole.end - hole.begin - 1)
        .collect()
}

/// `text`, with other lines in the holes for which `other` has some.
///
/// # Errors
/// As [`holes`].
pub fn refill(
    text: &str,
    mut other: impl FnMut(&Hole) -> Option<String>,
) -> Result<String, (usize, String)> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (mut out, mut next) = (String::new(), 0);
    for hole in holes(text)? {
        if let Some(other) = other(&hole) {
            out.extend(lines[next..=hole.begin].iter().copied());
            out.push_str(&other);
            next = hole.end;
        }
    }
    out.extend(lines[next..].iter().copied());
    Ok(out)
}

/// What stands in the student's file instead of the solution `inside`: the
/// statement as a comment, the lines marked with `//~`, and a `todo!`, unless
/// those lines bring one. Anchors for the book stay.
pub fn stand_in(hole: &Hole, inside: &str, statement: &str) -> String {
    let (id, title, indent) = (hole.id, &hole.title, &hole.indent);
    let mut out = String::new();
    let mut push = |text: &str| {
        out.push_str(format!("{indent}{text}").trim_end());
        out.push('\n');
    };
    let anchors = |mark: &'static str| {
        let lines = inside.lines().map(str::trim);
        lines.filter(move |line| line.starts_with(mark))
    };
    anchors("// ANCHOR:").for_each(&mut push);
    for line in wrap(statement, 96_usize.saturating_sub(indent.len())) {
        push(&format!("// {line}"));
    }
    let lines = inside.lines().filter_map(|line| {
        let stands = line.trim_start().strip_prefix(STAND_IN)?;
        Some(stands.strip_prefix(' ').unwrap_or(stands))
    });
    let mut is_open = true;
    for line in lines {
        is_open &= !line.contains("todo!");
        push(&line.replace("todo!()", &format!("todo!(\"Exercise {id}: {title}\")")));
    }
    if is_open {
        push(&format!("todo!(\"Exercise {id}: {title}\")"));
    }
    anchors("// ANCHOR_END:").for_each(&mut push);
    out
}

/// The paragraphs of `text` in lines of at most `width` characters. Lines that
/// are indented stay as they are.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut flowing = false;
    for line in text.trim_end().lines() {
        if line.trim().is_empty() || line.starts_with(' ') {
            lines.push(line.to_owned());
            flowing = false;
            continue;
        }
        flowing &= !line.starts_with("- ");
        for word in line.split_whitespace() {
            match lines.last_mut().filter(|_| flowing) {
                Some(last) if last.chars().count() + 1 + word.chars().count() <= width => {
                    last.push(' ');
                    last.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
            flowing = true;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "fn sum(data: &[u8]) -> u8 {
    // EXERCISE 3.1: Sum up
    //~ let _ = data;
    // ANCHOR: sum
    data.iter().sum()
    // ANCHOR_END: sum
    // END 3.1
}
";

    fn cut(text: &str) -> String {
        let cut = refill(text, |hole| {
            Some(stand_in(hole, &inside(text, hole), "Add all\noctets."))
        });
        cut.unwrap()
    }

    #[test]
    fn a_hole_is_cut_and_put_back() {
        let expected = "fn sum(data: &[u8]) -> u8 {
    // EXERCISE 3.1: Sum up
    // ANCHOR: sum
    // Add all octets.
    let _ = data;
    todo!(\"Exercise 3.1: Sum up\")
    // ANCHOR_END: sum
    // END 3.1
}
";
        assert_eq!(cut(CODE), expected);
        let solution = inside(CODE, &holes(CODE).unwrap()[0]);
        let back = refill(expected, |_| Some(solution.clone())).unwrap();
        assert_eq!(back, CODE);
    }

    #[test]
    fn a_stand_in_may_bring_its_own_todo() {
        let code = "// EXERCISE 1.2: T\n//~ let a: u8 = todo!();\nlet a = 1;\n// END 1.2\n";
        assert!(cut(code).contains("\nlet a: u8 = todo!(\"Exercise 1.2: T\");\n// END"));
    }

    #[test]
    fn wrong_marks() {
        let what = |text: &str| holes(text).unwrap_err();
        assert_eq!(what("// EXERCISE 3.1 title").0, 1);
        assert_eq!(what("\n// EXERCISE 3.1: a").1, "exercise 3.1 does not end");
        assert!(
            what("// EXERCISE 3.1: a\n// END 3.2")
                .1
                .contains("3.2 ends, but")
        );
        let nested = "// EXERCISE 3.1: a\n// EXERCISE 3.2: a\n";
        assert_eq!(
            what(nested),
            (2, "exercise 3.2 begins within 3.1".to_owned())
        );
        assert!(what("// EXERCISE 3.x: a\n").1.contains("3.x"));
    }

    #[test]
    fn prose_is_no_mark() {
        assert_eq!(holes("// EXERCISE is good\n// END of it\n"), Ok(vec![]));
        assert!(is_mark("  // EXERCISE 3.1: a") && is_mark("// END 3.1") && is_mark("//~ a"));
        assert!(!is_mark("// END of it"));
    }

    #[test]
    fn long_statements_are_wrapped() {
        assert_eq!(wrap("a bb\nccc", 4), ["a bb", "ccc"]);
        assert_eq!(
            wrap("a\n\n  code  x\nb\n- c\n- d", 20),
            ["a", "", "  code  x", "b", "- c", "- d"]
        );
    }
}
