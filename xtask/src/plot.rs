//! Pictures of what TCP measures, from the table that `Trace` writes.

use anyhow::{Context, Result, ensure};

/// The size of the picture, and of the margins left and below.
const SIZE: (f64, f64) = (720.0, 360.0);
const MARGIN: (f64, f64, f64, f64) = (74.0, 44.0, 30.0, 44.0); // left, top, right, bottom

/// What is drawn: column, colour, and how.
const CURVES: [(&str, &str, &str); 3] = [
    ("flight", "#c07b55", "stroke-width=\"1.5\""),
    (
        "ssthresh",
        "#5b6675",
        "stroke-width=\"2\" stroke-dasharray=\"6 4\"",
    ),
    ("cwnd", "#1f5fa8", "stroke-width=\"2.5\""),
];

/// A column, with the time of each value.
type Curve = Vec<(f64, f64)>;

/// Draws congestion window, threshold and flight over time.
///
/// Title and description are for those who do not see it.
pub fn congestion(csv: &str, title: &str, description: &str) -> Result<String> {
    let curves: Vec<Curve> = CURVES
        .iter()
        .map(|(column, _, _)| curve(csv, column))
        .collect::<Result<_>>()?;
    let again = curve(csv, "retransmitted")?;
    let last = curves
        .iter()
        .flatten()
        .map(|(time, _)| *time)
        .fold(0.0, f64::max);
    let most = curves
        .iter()
        .flatten()
        .map(|(_, value)| *value)
        .fold(0.0, f64::max);
    ensure!(last > 0.0 && most > 0.0, "the table is empty");
    let (width, height) = (step(last), step(most / 1024.0));
    let (end, top) = (
        (last / width).ceil() * width,
        (most / 1024.0 / height).ceil() * height,
    );
    let x = |time: f64| MARGIN.0 + time / end * (SIZE.0 - MARGIN.0 - MARGIN.2);
    let y =
        |octets: f64| SIZE.1 - MARGIN.3 - octets / 1024.0 / top * (SIZE.1 - MARGIN.1 - MARGIN.3);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\" aria-labelledby=\"t d\" font-family=\"system-ui, sans-serif\" font-size=\"14\">\n\
        <title id=\"t\">{title}</title>\n<desc id=\"d\">{description}</desc>\n\
        <rect x=\"0.5\" y=\"0.5\" width=\"{2}\" height=\"{3}\" rx=\"10\" fill=\"#fbfaf6\" stroke=\"#8a94a3\"/>\n",
        SIZE.0,
        SIZE.1,
        SIZE.0 - 1.0,
        SIZE.1 - 1.0
    );
    for mark in marks(top, height) {
        let at = y(mark * 1024.0);
        svg.push_str(&format!(
            "<path d=\"M{:.1},{at:.1} H{:.1}\" stroke=\"#d5d9df\"/><text x=\"{:.1}\" y=\"{:.1}\" fill=\"#5b6675\" text-anchor=\"end\">{mark} KiB</text>\n",
            MARGIN.0, SIZE.0 - MARGIN.2, MARGIN.0 - 6.0, at + 5.0
        ));
    }
    for mark in marks(end, width) {
        svg.push_str(&format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"#5b6675\" text-anchor=\"middle\">{mark} s</text>\n",
            x(mark), SIZE.1 - MARGIN.3 + 20.0
        ));
    }
    for ((name, color, style), curve) in CURVES.iter().zip(&curves) {
        // A value holds until the next one is measured.
        let mut path = String::new();
        for (time, value) in curve {
            let (x, y) = (x(*time), y(*value));
            path.push_str(&match path.is_empty() {
                true => format!("M{x:.1},{y:.1}"),
                false => format!(" H{x:.1} V{y:.1}"),
            });
        }
        svg.push_str(&format!(
            "<path id=\"{name}\" d=\"{path}\" fill=\"none\" stroke=\"{color}\" {style}/>\n"
        ));
    }
    // What was sent again: a stroke on the ground for each time at which there was some.
    for pair in again.windows(2).filter(|pair| pair[1].1 > pair[0].1) {
        let at = x(pair[1].0);
        let ground = SIZE.1 - MARGIN.3;
        svg.push_str(&format!(
            "<path d=\"M{at:.1},{:.1} V{ground:.1}\" stroke=\"#a8481c\" stroke-width=\"2\"/>\n",
            ground - 10.0
        ));
    }
    let mut legend = MARGIN.0;
    let strokes = CURVES
        .iter()
        .rev()
        .map(|(name, color, style)| (*name, *color, *style));
    for (name, color, style) in strokes.chain([("RTX", "#a8481c", "stroke-width=\"2\"")]) {
        svg.push_str(&format!(
            "<path d=\"M{legend:.1},24 h28\" stroke=\"{color}\" {style}/><text x=\"{:.1}\" y=\"29\" fill=\"#1d2430\">{name}</text>\n",
            legend + 34.0
        ));
        legend += 130.0;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// The values of a column while the connection lives. Where there is none (an
/// infinite threshold), there is no point.
fn curve(csv: &str, column: &str) -> Result<Curve> {
    let mut lines = csv.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let find = |name: &str| {
        let index = names.iter().position(|other| *other == name);
        index.with_context(|| format!("the table has no column '{name}'"))
    };
    let (time, value) = (find("seconds")?, find(column)?);
    let mut curve = Curve::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| cells.get(at).and_then(|cell| cell.parse::<f64>().ok());
        let seconds = number(time).with_context(|| format!("no time: {line}"))?;
        // u32::MAX stands for a threshold that was never set.
        if let Some(value) = number(value).filter(|value| *value < f64::from(u32::MAX)) {
            curve.push((seconds, value));
        }
    }
    Ok(curve)
}

/// A round number, of which four to ten make up `most`.
fn step(most: f64) -> f64 {
    let power = 10_f64.powf(most.log10().floor());
    let steps = [0.1, 0.2, 0.5, 1.0].map(|part| part * power);
    let fits = steps.into_iter().find(|step| most / step <= 8.0);
    fits.unwrap_or(power)
}

fn marks(end: f64, step: f64) -> impl Iterator<Item = f64> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let mark = f64::from(next) * step;
        next += 1;
        // 0.1 + 0.2 is not to be shown as it is.
        (mark <= end + step / 2.0).then(|| (mark * 1000.0).round() / 1000.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "seconds,cwnd,ssthresh,flight,retransmitted\n\
        0.0,1024,4294967295,0,0\n1.0,4096,,2048,0\n2.0,2048,2048,1024,3\n";

    #[test]
    fn a_table_becomes_a_picture() {
        let svg = congestion(CSV, "T", "D").unwrap();
        assert!(svg.contains("<title id=\"t\">T</title>"));
        // Three values of the window; one of a threshold that is a number.
        assert!(svg.contains("<path id=\"cwnd\" d=\"M74.0,248.0 H382.0 V44.0 H690.0 V180.0\""));
        assert!(svg.contains("<path id=\"ssthresh\" d=\"M690.0,180.0\""));
        assert_eq!(
            svg.matches("stroke=\"#a8481c\"").count(),
            2,
            "one, and the legend"
        );
        assert!(svg.contains(">4 KiB<") && svg.contains(">0.5 s<"));
    }

    #[test]
    fn a_table_that_is_none() {
        let error = |csv: &str| congestion(csv, "", "").unwrap_err().to_string();
        assert_eq!(error("seconds,a\n"), "the table has no column 'flight'");
        assert_eq!(error(&CSV[..43]), "the table is empty");
        assert!(error(&CSV.replace("1.0,", "x,")).starts_with("no time: x,"));
    }

    #[test]
    fn round_steps() {
        assert_eq!([step(3.4), step(160.0), step(8.0)], [0.5, 20.0, 1.0]);
        assert!(marks(0.3, 0.1).eq([0.0, 0.1, 0.2, 0.3]));
    }
}
