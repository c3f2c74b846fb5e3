//! Drawings: one bar for each service day or row, stacked by User or kind, under a line.

use std::fmt::Write;
use std::path::PathBuf;

use dco_block::Eui64;
use dco_client::Simulation;

/// Reads the name of the file that something is to be drawn into: the drawing is SVG, so the name says so.
pub(crate) fn svg_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let extension = path.extension().unwrap_or_default();
    if extension.eq_ignore_ascii_case("svg") {
        return Ok(path);
    }
    Err("the drawing is an SVG file; give a name that ends in .svg".to_owned())
}

const HEIGHT: u64 = 320;
const LEFT: u64 = 70;
const TOP: u64 = 20;
const BAR: u64 = 12;
/// Dates below the bars would run into each other without this many bars between them.
const LABEL_EVERY: usize = 7;
/// Told apart by those who see fewer colours, too.
const COLOURS: [&str; 8] = [
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999",
];

/// Bars beside each other, each of parts that stand on each other, with a line across each.
#[derive(Debug)]
pub(crate) struct Bars {
    pub(crate) bars: Vec<Bar>,
    /// What the parts are of, in the order of the legend.
    pub(crate) series: Vec<String>,
    /// What the line is.
    pub(crate) line: &'static str,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) label: String,
    /// Places in the series, and how much of each.
    pub(crate) parts: Vec<(usize, u64)>,
    pub(crate) line: u64,
}

/// What would happen, as the text of an SVG file: what each User is served on a day, under what is available.
pub(crate) fn svg(simulation: &Simulation) -> String {
    let users: Vec<Eui64> = simulation.users.iter().map(|it| it.user).collect();
    let place = |user: &Eui64| users.iter().position(|other| other == user).unwrap_or(0);
    let bars = simulation.days.iter().map(|day| Bar {
        label: day.service_date.clone(),
        parts: day
            .released
            .iter()
            .map(|(user, units)| (place(user), *units))
            .collect(),
        line: day.available,
    });
    let bars = Bars {
        bars: bars.collect(),
        series: users.iter().map(Eui64::to_string).collect(),
        line: "available",
    };
    bars.svg()
}

impl Bars {
    /// The drawing as the text of an SVG file.
    pub(crate) fn svg(&self) -> String {
        let most = self.bars.iter().map(Bar::height).max();
        let most = most.unwrap_or(0).max(1);
        let width = LEFT + BAR * self.bars.len() as u64 + 240;
        let height = TOP + HEIGHT + 60 + 18 * (self.series.len() as u64).saturating_sub(17);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        );
        axis(&mut out, most, width);
        for (index, bar) in self.bars.iter().enumerate() {
            let x = LEFT + BAR * index as u64;
            bar.draw(&mut out, x, most);
            if index % LABEL_EVERY == 0 {
                let y = TOP + HEIGHT + 16;
                put(
                    &mut out,
                    format_args!("<text x=\"{x}\" y=\"{y}\">{}</text>", bar.label),
                );
            }
        }
        self.legend(&mut out, LEFT + BAR * self.bars.len() as u64 + 20);
        out + "</svg>\n"
    }

    fn legend(&self, out: &mut String, x: u64) {
        for (index, name) in self.series.iter().enumerate() {
            let y = TOP + 18 * index as u64;
            let (fill, text_x, text_y) = (colour(index), x + 18, y + 10);
            put(
                out,
                format_args!(
                    "<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"12\" fill=\"{fill}\"/>"
                ),
            );
            put(
                out,
                format_args!("<text x=\"{text_x}\" y=\"{text_y}\">{name}</text>"),
            );
        }
        let y = TOP + 18 * self.series.len() as u64 + 6;
        let (text_x, text_y) = (x + 18, y + 4);
        put(
            out,
            format_args!("<path d=\"M{x} {y}h12\" stroke=\"#000\" stroke-width=\"1.5\"/>"),
        );
        put(
            out,
            format_args!("<text x=\"{text_x}\" y=\"{text_y}\">{}</text>", self.line),
        );
    }
}

impl Bar {
    /// Its parts, or its line where that is higher.
    fn height(&self) -> u64 {
        let parts = self.parts.iter().map(|(_, part)| part);
        parts.sum::<u64>().max(self.line)
    }

    /// Its parts, one upon the other, and its line.
    fn draw(&self, out: &mut String, x: u64, most: u64) {
        let mut below = 0;
        for (place, part) in &self.parts {
            let height = scaled(below + part, most) - scaled(below, most);
            let y = TOP + HEIGHT - scaled(below + part, most);
            let width = BAR - 2;
            let fill = colour(*place);
            put(
                out,
                format_args!(
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"/>"
                ),
            );
            below += part;
        }
        let line = TOP + HEIGHT - scaled(self.line, most);
        put(
            out,
            format_args!("<path d=\"M{x} {line}h{BAR}\" stroke=\"#000\" stroke-width=\"1.5\"/>"),
        );
    }
}

fn axis(out: &mut String, most: u64, width: u64) {
    for quarter in 0..=4 {
        let units = most * quarter / 4;
        let y = TOP + HEIGHT - scaled(units, most);
        let (end, text_x, text_y) = (width - 230, LEFT - 8, y + 4);
        put(
            out,
            format_args!("<path d=\"M{LEFT} {y}H{end}\" stroke=\"#ccc\"/>"),
        );
        put(
            out,
            format_args!("<text x=\"{text_x}\" y=\"{text_y}\" text-anchor=\"end\">{units}</text>"),
        );
    }
}

fn colour(place: usize) -> &'static str {
    COLOURS[place % COLOURS.len()]
}

fn scaled(units: u64, most: u64) -> u64 {
    units.min(most) * HEIGHT / most
}

fn put(out: &mut String, element: std::fmt::Arguments<'_>) {
    writeln!(out, "{element}").expect("a text takes what is written into it");
}

#[cfg(test)]
mod tests {
    use dco_client::{SimulatedDay, SimulatedUser};

    use super::*;

    const A: Eui64 = Eui64::from_bits(1);
    const B: Eui64 = Eui64::from_bits(2);

    fn simulation() -> Simulation {
        let user = |user| SimulatedUser {
            user,
            units: 0,
            finish_date: None,
            at_risk: Vec::new(),
        };
        let day = |date: &str, released| SimulatedDay {
            service_date: date.to_owned(),
            available: 8_960,
            free: 0,
            released,
            carried: 0,
        };
        Simulation {
            quotas: Vec::new(),
            days: vec![
                day("2026-12-01", vec![(A, 4_480), (B, 4_480)]),
                day("2026-12-02", vec![(B, 2_240)]),
            ],
            users: vec![user(A), user(B)],
        }
    }

    #[test]
    fn a_full_day_reaches_the_line_of_what_is_available() {
        let text = svg(&simulation());
        let half = HEIGHT / 2;
        for (y, colour) in [(TOP + half, COLOURS[0]), (TOP, COLOURS[1])] {
            let bar = format!(
                "<rect x=\"70\" y=\"{y}\" width=\"10\" height=\"{half}\" fill=\"{colour}\"/>"
            );
            assert!(text.contains(&bar), "{bar} in {text}");
        }
        assert!(text.contains("<path d=\"M70 20h12\""));
        assert!(text.contains(">2026-12-01</text>") && !text.contains(">2026-12-02</text>"));
        assert!(text.contains(&format!(">{A}</text>")));
    }

    #[test]
    fn what_is_drawn_goes_into_a_file_that_is_called_svg() {
        for name in ["plan.svg", "a.b/plan.SVG"] {
            assert_eq!(svg_file(name), Ok(PathBuf::from(name)));
        }
        for name in ["plan.png", "plan", ".svg", "svg", ""] {
            let told = svg_file(name).unwrap_err();
            assert!(told.contains("ends in .svg"), "{name}: {told}");
        }
    }

    #[test]
    fn every_element_is_closed() {
        let text = svg(&simulation());
        for line in text.lines().skip(1) {
            assert!(
                line.ends_with("/>") || line.ends_with("</text>") || line == "</svg>",
                "{line}"
            );
        }
        let none = Simulation {
            quotas: Vec::new(),
            days: Vec::new(),
            users: Vec::new(),
        };
        assert!(svg(&none).ends_with("</svg>\n"));
    }
}
