//! Tables for people.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use dco_schedule::one_line;

/// A table whose head is given: a name that begins with `>` is of a column of numbers. Each cell is one line that cannot steer a
/// terminal, whoever wrote what is in it.
pub(crate) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(head.iter().map(|name| name.trim_start_matches('>')))
        .add_rows(
            rows.into_iter()
                .map(|cells| cells.iter().map(|cell| one_line(cell)).collect::<Vec<_>>()),
        );
    for (index, name) in head.iter().enumerate() {
        let Some(column) = table.column_mut(index) else {
            continue;
        };
        column.set_padding((0, 2));
        if name.starts_with('>') {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// A list of names and values, as of one thing with its properties.
pub(crate) fn properties(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = rows
        .iter()
        .map(|(name, value)| format!("{name:<width$}  {value}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// `count` of a thing whose plural is made with an `s`.
pub(crate) fn counted(count: impl Into<u64>, thing: &str) -> String {
    match count.into() {
        1 => format!("1 {thing}"),
        count => format!("{} {thing}s", grouped(count)),
    }
}

/// A number with a comma between its thousands.
pub(crate) fn grouped(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_line_whatever_is_in_it() {
        let shown = table(&["A"], [vec!["x\n2026\u{1b}[2Jfake\u{202e}".to_owned()]]);
        assert_eq!(shown, "A\nx 2026 [2Jfake");
    }

    #[test]
    fn a_table_has_its_numbers_on_the_right_and_no_space_at_line_ends() {
        let rows = [
            vec!["first".to_owned(), "7".to_owned()],
            vec!["b".to_owned(), "12000".to_owned()],
        ];
        assert_eq!(
            table(&["NAME", ">COUNT"], rows),
            "NAME   COUNT\nfirst      7\nb      12000"
        );
    }

    #[test]
    fn properties_are_lined_up() {
        let rows = [("a", "1".to_owned()), ("name", "2".to_owned())];
        assert_eq!(properties(&rows), "a     1\nname  2");
    }

    #[test]
    fn numbers_are_grouped_and_counted() {
        assert_eq!(grouped(0_u32), "0");
        assert_eq!(grouped(999_u32), "999");
        assert_eq!(grouped(12_000_u32), "12,000");
        assert_eq!(grouped(1_234_567_u32), "1,234,567");
        assert_eq!(counted(1_u32, "Device"), "1 Device");
        assert_eq!(counted(0_u32, "Device"), "0 Devices");
        assert_eq!(counted(50_000_u32, "Device"), "50,000 Devices");
    }
}
