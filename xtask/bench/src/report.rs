//! Medians, and how ours compares with each peer.

use std::fmt;

use crate::scenario::Scenario;

/// A ratio that is asked for: of whom, beside whom, and in which scenarios.
struct Goal {
    scenarios: &'static [&'static str],
    who: &'static str,
    beside: &'static str,
    /// The least, or the most where less is better.
    asked: f64,
}

const fn goal(
    scenarios: &'static [&'static str],
    who: &'static str,
    beside: &'static str,
    asked: f64,
) -> Goal {
    Goal {
        scenarios,
        who,
        beside,
        asked,
    }
}

const BULK: &[&str] = &["in1", "in8", "out1", "out8"];

const GOALS: [Goal; 5] = [
    goal(BULK, "ours", "smoltcp", 1.5),
    goal(BULK, "ours", "linux", 1.0),
    goal(BULK, "ours-offload", "linux-offload", 0.7),
    goal(&["rtt"], "ours", "smoltcp", 0.7),
    goal(&["ping"], "ours", "smoltcp", 1.0),
];

/// All figures, by scenario and peer, in the order of the runs.
pub struct Report {
    peers: Vec<String>,
    rows: Vec<(Scenario, Vec<Vec<f64>>)>,
}

impl Report {
    /// An empty one. The first peer is the one that the others are compared with.
    pub fn new(peers: &[&str]) -> Self {
        Self {
            peers: peers.iter().map(|peer| (*peer).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a figure.
    pub fn add(&mut self, scenario: &Scenario, peer: &str, figure: f64) {
        let Some(column) = self.peers.iter().position(|name| name == peer) else {
            return;
        };
        let row = self
            .rows
            .iter()
            .position(|(known, _)| known.name == scenario.name);
        let row = row.unwrap_or_else(|| {
            self.rows
                .push((*scenario, vec![Vec::new(); self.peers.len()]));
            self.rows.len() - 1
        });
        self.rows[row].1[column].push(figure);
    }
}

impl Report {
    fn figures(&self, scenario: &str, peer: &str) -> Option<(&Scenario, &[f64])> {
        let column = self.peers.iter().position(|name| name == peer)?;
        let (scenario, columns) = self.rows.iter().find(|(row, _)| row.name == scenario)?;
        Some((scenario, columns.get(column)?))
    }

    /// One line for each goal whose figures are there.
    fn goals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for goal in &GOALS {
            for name in goal.scenarios {
                let who = self.figures(name, goal.who);
                let beside = self.figures(name, goal.beside);
                let Some(((scenario, who), (_, beside))) = who.zip(beside) else {
                    continue;
                };
                let Some([median, least, greatest]) = spread(&ratios(who, beside)) else {
                    continue;
                };
                let (sign, reached) = if scenario.more {
                    ('≥', median >= goal.asked)
                } else {
                    ('≤', median <= goal.asked)
                };
                writeln!(
                    f,
                    "  {name:<5} {:<12} / {:<13} {median:.2}  ({least:.2} … {greatest:.2})   {sign} {} {}",
                    goal.who,
                    goal.beside,
                    goal.asked,
                    if reached { "reached" } else { "not reached" }
                )?;
            }
        }
        Ok(())
    }
}

/// Of pairs of the same run.
fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    let pairs = ours.iter().zip(theirs);
    pairs.map(|(ours, theirs)| ours / theirs).collect()
}

/// The median, the least and the greatest.
fn spread(figures: &[f64]) -> Option<[f64; 3]> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2)?;
    Some([*median, *sorted.first()?, *sorted.last()?])
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (scenario, columns) in &self.rows {
            let better = if scenario.more { "more" } else { "less" };
            writeln!(
                f,
                "\n{}: {} [{}, {better} is better]",
                scenario.name, scenario.about, scenario.unit
            )?;
            for (peer, figures) in self.peers.iter().zip(columns) {
                let Some([median, least, greatest]) = spread(figures) else {
                    writeln!(f, "  {peer:<14} failed")?;
                    continue;
                };
                write!(
                    f,
                    "  {peer:<14} {median:10.2}  ({least:.2} … {greatest:.2})"
                )?;
                match spread(&ratios(&columns[0], figures)) {
                    Some([median, least, greatest]) if *peer != self.peers[0] => {
                        writeln!(
                            f,
                            "   {} is {median:.2} × that  ({least:.2} … {greatest:.2})",
                            self.peers[0]
                        )?;
                    }
                    _ => writeln!(f)?,
                }
            }
        }
        writeln!(f, "\ngoals: ratios of the same run")?;
        self.goals(f)
    }
}
