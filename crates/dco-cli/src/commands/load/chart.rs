//! A drawing of latency over time: the median and the 99th percentile of each second, on a logarithmic scale.

use std::fmt::Write;

use dco_load::Moment;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 30.0;
/// Below so many milliseconds nothing is told apart.
const LEAST_MS: f64 = 0.1;
/// Told apart by those who see fewer colours, too.
const COLOURS: [&str; 2] = ["#0072b2", "#d55e00"];

/// The drawing as the text of an SVG file: two lines for each kind of latency.
pub(super) fn svg(kinds: &[(&str, &[Moment])]) -> String {
    let moments = || kinds.iter().flat_map(|(_, moments)| moments.iter());
    let most_ms = moments().map(|it| it.p99_ms).fold(1.0, f64::max);
    let decades = (most_ms / LEAST_MS).log10().ceil().max(1.0);
    let last = moments().map(|it| it.second).max().unwrap_or(0).max(1);
    let scale = Scale { decades, last };
    let (width, height) = (LEFT + WIDTH + 20.0, TOP + HEIGHT + 60.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    scale.draw(&mut out);
    for (index, (name, moments)) in kinds.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let median = scale.path(moments.iter().map(|it| (it.second, it.p50_ms)));
        let high = scale.path(moments.iter().map(|it| (it.second, it.p99_ms)));
        put(
            &mut out,
            format_args!("<path d=\"{median}\" fill=\"none\" stroke=\"{colour}\"/>"),
        );
        put(
            &mut out,
            format_args!(
                "<path d=\"{high}\" fill=\"none\" stroke=\"{colour}\" stroke-dasharray=\"4 3\"/>"
            ),
        );
        let x = LEFT + 420.0 * if index == 0 { 0.0 } else { 1.0 };
        put(
            &mut out,
            format_args!(
                "<text x=\"{x}\" y=\"18\" fill=\"{colour}\">{name}: median, and 99th percentile dashed</text>"
            ),
        );
    }
    out + "</svg>\n"
}

/// What the axes show.
struct Scale {
    /// Powers of ten above the least.
    decades: f64,
    /// The last second.
    last: u64,
}

impl Scale {
    fn x(&self, second: u64) -> f64 {
        LEFT + WIDTH * share(second, self.last)
    }

    fn y(&self, ms: f64) -> f64 {
        let decades = (ms.max(LEAST_MS) / LEAST_MS).log10();
        TOP + HEIGHT * (1.0 - decades / self.decades)
    }

    fn path(&self, points: impl Iterator<Item = (u64, f64)>) -> String {
        let mut path = String::new();
        for (second, ms) in points {
            let command = if path.is_empty() { 'M' } else { 'L' };
            let (x, y) = (self.x(second), self.y(ms));
            write!(path, "{command}{x:.1} {y:.1}").expect("a String takes all");
        }
        path
    }

    fn draw(&self, out: &mut String) {
        let mut ms = LEAST_MS;
        while self.y(ms) >= TOP - 0.5 {
            let (y, end, text_x) = (self.y(ms), LEFT + WIDTH, LEFT - 8.0);
            put(
                out,
                format_args!("<path d=\"M{LEFT} {y:.1}H{end}\" stroke=\"#ccc\"/>"),
            );
            put(
                out,
                format_args!(
                    "<text x=\"{text_x}\" y=\"{y:.1}\" text-anchor=\"end\">{ms} ms</text>"
                ),
            );
            ms *= 10.0;
        }
        let y = TOP + HEIGHT + 18.0;
        for quarter in 0..=4 {
            let second = self.last * quarter / 4;
            let x = self.x(second);
            put(
                out,
                format_args!(
                    "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{second} s</text>"
                ),
            );
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a place on a drawing needs few digits"
)]
fn share(part: u64, of: u64) -> f64 {
    part as f64 / of as f64
}

fn put(out: &mut String, element: std::fmt::Arguments<'_>) {
    writeln!(out, "{element}").expect("a text takes what is written into it");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(second: u64, p50_ms: f64, p99_ms: f64) -> Moment {
        Moment {
            second,
            count: 1,
            p50_ms,
            p99_ms,
        }
    }

    #[test]
    fn a_tenfold_latency_is_one_line_of_the_scale_higher() {
        let moments = [moment(0, 0.1, 1.0), moment(10, 1.0, 10.0)];
        let text = svg(&[("durable", &moments)]);
        // Two decades in 320: the median goes from the bottom to the middle, the other from the middle to the top.
        for path in ["M70.0 350.0L970.0 190.0", "M70.0 190.0L970.0 30.0"] {
            assert!(text.contains(path), "{path} in {text}");
        }
        assert!(text.contains(">10 ms</text>") && text.contains(">10 s</text>"));
    }

    #[test]
    fn every_element_is_closed_also_of_nothing() {
        for text in [
            svg(&[]),
            svg(&[("none", &[]), ("one", &[moment(3, 0.0, 0.0)])]),
        ] {
            for line in text.lines().skip(1) {
                assert!(
                    line.ends_with("/>") || line.ends_with("</text>") || line == "</svg>",
                    "{line}"
                );
            }
        }
    }
}
