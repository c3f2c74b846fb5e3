//! A drawing of what would happen: one bar for each service day, stacked by User, under what is available.

use std::fmt::Write;

use dco_block::Eui64;
use dco_client::Simulation;

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

/// The drawing as the text of an SVG file.
pub(crate) fn svg(simulation: &Simulation) -> String {
    let users: Vec<Eui64> = simulation.users.iter().map(|it| it.user).collect();
    let most = simulation.days.iter().map(|day| day.available).max();
    let most = most.unwrap_or(0).max(1);
    let width = LEFT + BAR * simulation.days.len() as u64 + 240;
    let height = TOP + HEIGHT + 60 + 18 * (users.len() as u64).saturating_sub(17);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    axis(&mut out, most, width);
    for (index, day) in simulation.days.iter().enumerate() {
        let x = LEFT + BAR * index as u64;
        bars(&mut out, x, most, (&day.released, &users));
        let available = TOP + HEIGHT - scaled(day.available, most);
        put(
            &mut out,
            format_args!(
                "<path d=\"M{x} {available}h{BAR}\" stroke=\"#000\" stroke-width=\"1.5\"/>"
            ),
        );
        if index % LABEL_EVERY == 0 {
            let y = TOP + HEIGHT + 16;
            put(
                &mut out,
                format_args!("<text x=\"{x}\" y=\"{y}\">{}</text>", day.service_date),
            );
        }
    }
    legend(
        &mut out,
        &users,
        LEFT + BAR * simulation.days.len() as u64 + 20,
    );
    out + "</svg>\n"
}

/// What each User is served on a day, one upon the other.
fn bars(out: &mut String, x: u64, most: u64, (released, users): (&[(Eui64, u64)], &[Eui64])) {
    let mut below = 0;
    for (user, units) in released {
        let height = scaled(below + units, most) - scaled(below, most);
        let y = TOP + HEIGHT - scaled(below + units, most);
        let width = BAR - 2;
        let fill = colour(users, *user);
        put(
            out,
            format_args!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"/>"
            ),
        );
        below += units;
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

fn legend(out: &mut String, users: &[Eui64], x: u64) {
    for (index, user) in users.iter().enumerate() {
        let y = TOP + 18 * index as u64;
        let (fill, text_x, text_y) = (colour(users, *user), x + 18, y + 10);
        put(
            out,
            format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"12\" fill=\"{fill}\"/>"),
        );
        put(
            out,
            format_args!("<text x=\"{text_x}\" y=\"{text_y}\">{user}</text>"),
        );
    }
    let y = TOP + 18 * users.len() as u64 + 6;
    let (text_x, text_y) = (x + 18, y + 4);
    put(
        out,
        format_args!("<path d=\"M{x} {y}h12\" stroke=\"#000\" stroke-width=\"1.5\"/>"),
    );
    put(
        out,
        format_args!("<text x=\"{text_x}\" y=\"{text_y}\">available</text>"),
    );
}

fn colour(users: &[Eui64], user: Eui64) -> &'static str {
    let place = users.iter().position(|other| *other == user).unwrap_or(0);
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
