//! What has changed from one floor's composition root to the next one's.

/// The lines of `old` and `new` as a diff: ` `, `-` or `+` before each line,
/// one unchanged line around the changes, `…` where more are left out.
pub fn diff(old: &[&str], new: &[&str]) -> String {
    let lines = align(&dedent(old), &dedent(new));
    let changed: Vec<bool> = lines.iter().map(|(mark, _)| *mark != ' ').collect();
    let is_near =
        |at: usize| changed[at.saturating_sub(1)..(at + 2).min(changed.len())].contains(&true);
    let (mut text, mut gap) = (String::new(), false);
    for (at, (mark, line)) in lines.iter().enumerate() {
        let is_blank = *mark == ' ' && line.trim().is_empty();
        if is_blank || !is_near(at) {
            gap = true;
            continue;
        }
        if gap {
            text.push_str(" …\n");
            gap = false;
        }
        let line = format!("{mark} {line}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The lines without the indentation that all have in common.
fn dedent<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let filled = lines.iter().filter(|line| !line.trim().is_empty());
    let indents = filled.map(|line| line.len() - line.trim_start().len());
    let indent = indents.min().unwrap_or(0);
    let cut = |line: &&'a str| line.get(indent..).unwrap_or_default();
    lines.iter().map(cut).collect()
}

/// All lines of both, each with its mark: the longest common subsequence stays.
fn align<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(char, &'a str)> {
    // common[i][j]: the length of that of old[i..] and new[j..].
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(('-', old[i]));
            i += 1;
        } else {
            lines.push(('+', new[j]));
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_and_what_is_gone() {
        let old = ["    a", "    b", "    c", "", "    d", "    e"];
        let new = ["  a", "  b", "    x", "", "  d", "  e", "  f"];
        let text = "…\n  b\n- c\n+   x\n…\n  e\n+ f\n".replace('…', " …");
        assert_eq!(diff(&old, &new), text);
    }

    #[test]
    fn no_change_no_lines() {
        assert_eq!(diff(&["a", "b"], &["a", "b"]), "");
        assert_eq!(diff(&[], &["a"]), "+ a\n");
    }
}
