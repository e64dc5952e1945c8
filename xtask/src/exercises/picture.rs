//! The way gone, as a picture for the terminal: the house, floor by floor.

use super::desk::Desk;

/// The house: the highest floor on top, a sign for each exercise.
pub fn draw(desk: &Desk, names: &[String]) -> String {
    let mut out = String::new();
    let (mut done, mut given, mut all, mut minutes) = (0, 0, 0, 0);
    for (at, name) in names.iter().enumerate().rev() {
        let step = super::course::step_of(name);
        let (mut signs, mut passed, mut count) = (String::new(), 0, 0);
        let exercises = desk.course.exercises.iter();
        for exercise in exercises.filter(|exercise| Some(exercise.id.step) == step) {
            let state = desk.progress.of(exercise.id);
            let sign = match (state.given, state.passed) {
                (true, _) => '▒',
                (_, true) => '█',
                _ => '░',
            };
            signs.push(sign);
            count += 1;
            passed += usize::from(state.passed && !state.given);
            given += usize::from(state.given);
            if !state.given && !state.passed {
                minutes += usize::from(exercise.minutes);
            }
        }
        (done, all) = (done + passed, all + count);
        let stairs = "  ".repeat(at);
        let line = format!("{name:<16} {stairs}▟{signs} {passed}/{count}");
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.push_str(&format!("{}{}\n", " ".repeat(17), "▔".repeat(40)));
    out.push_str(&format!(
        "█ passed {done}   ░ to be done {}",
        all - done - given
    ));
    if given > 0 {
        out.push_str(&format!("   ▒ given {given}"));
    }
    out.push('\n');
    match desk.next() {
        Some(next) => {
            let (hours, rest) = (minutes / 60, minutes % 60);
            out.push_str(&format!("About {hours} h {rest:02} min to go.\n"));
            out.push_str(&format!("Next: {}\n", desk.invitation(next)));
        }
        None => out.push_str("You are on the roof.\n"),
    }
    out
}
