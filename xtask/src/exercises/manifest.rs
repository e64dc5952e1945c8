//! What an `exercises.toml` says, and the `mutants.toml` beside it.

use toml::{Table, Value};

use super::id::Id;

/// One exercise, as the manifest describes it.
#[derive(Clone, Debug)]
pub struct Exercise {
    /// Its number.
    pub id: Id,
    /// What it is called; the marks say the same.
    pub title: String,
    /// How long it takes.
    pub minutes: u8,
    /// The page of the book that it belongs to.
    pub page: String,
    /// The exercises whose solutions it calls.
    pub uses: Vec<Id>,
    /// The tests that are its own: `target::module` or `target::module::test`.
    pub tests: Vec<String>,
    /// The holes of the original's guide that it stands for.
    pub covers: Vec<String>,
    /// What is to be done.
    pub statement: String,
    /// From a nudge to nearly the solution.
    pub hints: Vec<String>,
}

/// A task without a hole: the student's tree has no solution of it.
#[derive(Clone, Debug)]
pub struct Open {
    /// What it is called.
    pub title: String,
    /// How long it takes, at least.
    pub minutes: u16,
    /// The page of the book that it belongs to.
    pub page: String,
    /// What is to be done.
    pub statement: String,
    /// The command, or the capture, that shows that it is done.
    pub check: String,
}

/// A realistic bug: a text in the solution, and what it becomes.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// The exercise whose tests must catch it.
    pub id: Id,
    /// What one would say of it afterwards.
    pub bug: String,
    /// A text that is in the solution once.
    pub from: String,
    /// What is there instead.
    pub to: String,
}

/// All that an `exercises.toml` says.
#[derive(Debug, Default)]
pub struct Manifest {
    /// The exercises, in the file's order.
    pub exercises: Vec<Exercise>,
    /// The open ones.
    pub open: Vec<Open>,
    /// Holes of the original's guide that are no exercise here, and why.
    pub left_out: Vec<(String, String)>,
}

/// How many hints each exercise has.
pub const HINTS: usize = 3;

/// Reads an `exercises.toml`.
///
/// # Errors
/// What is missing, or not what it should be, and where.
pub fn exercises(text: &str) -> Result<Manifest, String> {
    let table = parse(text, &["exercise", "open", "left_out"])?;
    let mut manifest = Manifest::default();
    for mut fields in sections(&table, "exercise")? {
        let id = fields.text("id")?;
        fields.name = format!("exercise {id}");
        let exercise = Exercise {
            id: id.parse()?,
            title: fields.text("title")?,
            minutes: fields.number("minutes", 5, 60)?,
            page: fields.text("page")?,
            uses: fields.ids("uses")?,
            tests: fields.texts("tests")?,
            covers: fields.texts("covers")?,
            statement: fields.text("statement")?,
            hints: fields.texts("hints")?,
        };
        fields.end()?;
        if exercise.hints.len() != HINTS {
            return Err(format!(
                "exercise {id}: {HINTS} hints are wanted, there are {}",
                exercise.hints.len()
            ));
        }
        if exercise.tests.is_empty() {
            return Err(format!("exercise {id}: names no test"));
        }
        let twice = |hole: &&String| {
            let all = exercise.covers.iter().filter(|other| other == hole);
            all.count() > 1
        };
        if let Some(hole) = exercise.covers.iter().find(twice) {
            return Err(format!("exercise {id}: covers '{hole}' twice"));
        }
        manifest.exercises.push(exercise);
    }
    for mut fields in sections(&table, "open")? {
        manifest.open.push(Open {
            title: fields.text("title")?,
            minutes: fields.number("minutes", 15, 600)?,
            page: fields.text("page")?,
            statement: fields.text("statement")?,
            check: fields.text("check")?,
        });
        fields.end()?;
    }
    for mut fields in sections(&table, "left_out")? {
        let left_out = (fields.text("hole")?, fields.text("reason")?);
        manifest.left_out.push(left_out);
        fields.end()?;
    }
    Ok(manifest)
}

/// Reads a `mutants.toml`.
///
/// # Errors
/// What is missing, or not what it should be, and where.
pub fn mutants(text: &str) -> Result<Vec<Mutant>, String> {
    let table = parse(text, &["mutant"])?;
    let mut mutants = Vec::new();
    for mut fields in sections(&table, "mutant")? {
        let id = fields.text("id")?;
        fields.name = format!("mutant of {id}");
        mutants.push(Mutant {
            id: id.parse()?,
            bug: fields.text("bug")?,
            from: fields.text("from")?,
            to: fields.any_text("to")?,
        });
        fields.end()?;
    }
    Ok(mutants)
}

fn parse(text: &str, known: &[&str]) -> Result<Table, String> {
    let table: Table = text.parse().map_err(|error| format!("{error}"))?;
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("no section '{key}' is known")),
        None => Ok(table),
    }
}

/// The fields of one `[[section]]`; each is taken once, and none may be left.
struct Fields {
    name: String,
    table: Table,
}

fn sections(table: &Table, section: &str) -> Result<Vec<Fields>, String> {
    let Some(value) = table.get(section) else {
        return Ok(Vec::new());
    };
    let list = value.as_array().into_iter().flatten();
    let tables: Option<Vec<_>> = list.map(|item| item.as_table().cloned()).collect();
    match tables {
        Some(tables) if !tables.is_empty() => Ok(tables
            .into_iter()
            .enumerate()
            .map(|(at, table)| Fields {
                name: format!("[[{section}]] number {}", at + 1),
                table,
            })
            .collect()),
        _ => Err(format!("write [[{section}]], with two brackets")),
    }
}

impl Fields {
    fn take(&mut self, key: &str) -> Result<Value, String> {
        let value = self.table.remove(key);
        value.ok_or_else(|| format!("{}: no '{key}'", self.name))
    }

    fn any_text(&mut self, key: &str) -> Result<String, String> {
        match self.take(key)? {
            Value::String(text) => Ok(text),
            _ => Err(format!("{}: '{key}' is no text", self.name)),
        }
    }

    fn text(&mut self, key: &str) -> Result<String, String> {
        let text = self.any_text(key)?;
        if text.trim().is_empty() {
            return Err(format!("{}: '{key}' is empty", self.name));
        }
        Ok(text)
    }

    /// A list of texts; none if it is not there.
    fn texts(&mut self, key: &str) -> Result<Vec<String>, String> {
        let list = match self.table.remove(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(_) => return Err(format!("{}: '{key}' is no list", self.name)),
        };
        let texts: Option<_> = list
            .iter()
            .map(|item| item.as_str().filter(|text| !text.trim().is_empty()))
            .map(|text| text.map(str::to_owned))
            .collect();
        texts.ok_or_else(|| format!("{}: '{key}' holds something else than texts", self.name))
    }

    fn ids(&mut self, key: &str) -> Result<Vec<Id>, String> {
        self.texts(key)?.iter().map(|text| text.parse()).collect()
    }

    fn number<T>(&mut self, key: &str, min: T, max: T) -> Result<T, String>
    where
        T: TryFrom<i64> + PartialOrd + std::fmt::Display,
    {
        let number = self.take(key)?.as_integer();
        let number = number.and_then(|number| T::try_from(number).ok());
        match number {
            Some(number) if number >= min && number <= max => Ok(number),
            _ => Err(format!("{}: '{key}' is not from {min} to {max}", self.name)),
        }
    }

    fn end(self) -> Result<(), String> {
        match self.table.keys().next() {
            Some(key) => Err(format!("{}: no field '{key}' is known", self.name)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// An exercise that lacks nothing.
    pub const EXERCISE: &str = r#"
[[exercise]]
id = "1.1"
title = "T"
minutes = 5
page = "book/src/a.md"
tests = ["exercises::a"]
statement = "Do it."
hints = ["a", "b", "c"]
"#;

    fn what(text: &str) -> String {
        exercises(text).unwrap_err()
    }

    #[test]
    fn what_is_complete_is_read() {
        let manifest = exercises(EXERCISE).unwrap();
        let [exercise] = manifest.exercises.as_slice() else {
            panic!("one");
        };
        assert_eq!(exercise.id.to_string(), "1.1");
        assert_eq!((exercise.minutes, exercise.hints.len()), (5, 3));
        assert!(exercise.uses.is_empty());
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (from, to, says) in [
            ("title = \"T\"", "", "exercise 1.1: no 'title'"),
            ("\"T\"", "\" \"", "exercise 1.1: 'title' is empty"),
            ("minutes = 5", "minutes = 61", "not from 5 to 60"),
            ("\"c\"]", "]", "3 hints are wanted, there are 2"),
            ("[\"exercises::a\"]", "[]", "names no test"),
            ("minutes", "minuets = 1\nminutes", "no field 'minuets'"),
            ("[[exercise]]", "[[exercises]]", "no section 'exercises'"),
            ("[[exercise]]", "[exercise]", "two brackets"),
            ("id = \"1.1\"", "id = \"x\"", "'x' is no exercise"),
        ] {
            let text = what(&EXERCISE.replacen(from, to, 1));
            assert!(text.contains(says), "{text}");
        }
        assert!(what("[[exercise").contains("TOML"));
    }

    #[test]
    fn mutants_name_their_exercise() {
        let text = "[[mutant]]\nid = \"1.1\"\nbug = \"b\"\nfrom = \"x\"\nto = \"\"\n";
        assert_eq!(mutants(text).unwrap()[0].to, "");
        assert!(
            mutants(&text.replace("bug", "but"))
                .unwrap_err()
                .contains("no 'bug'")
        );
    }
}
