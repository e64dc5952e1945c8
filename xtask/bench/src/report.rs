//! Medians, and how ours compares with each peer.

use std::fmt;

use crate::scenario::Scenario;

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
                // Pairs of the same run.
                let ratios: Vec<f64> = columns[0]
                    .iter()
                    .zip(figures)
                    .map(|(ours, theirs)| ours / theirs)
                    .collect();
                match spread(&ratios) {
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
        Ok(())
    }
}
