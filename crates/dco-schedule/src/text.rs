//! What a person writes: a reason, or the number of a ticket.

use std::fmt;

use thiserror::Error;

/// A ticket number or a reason: one line of 1 to 500 characters, without spaces at its ends, of which each can be seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(String);

/// The most characters of a [`Text`].
pub const TEXT_CHARS_MAX: usize = 500;

/// It is no text that can be kept with an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidText {
    /// Nothing but spaces.
    #[error("it is empty; expected one line of 1 to {TEXT_CHARS_MAX} characters")]
    Empty,
    /// Too many characters.
    #[error(
        "it has {chars} characters; expected one line of 1 to {TEXT_CHARS_MAX}; say it in fewer words"
    )]
    TooLong {
        /// Characters given, spaces at the ends taken off.
        chars: usize,
    },
    /// A character that nobody sees, and that may change how the rest is read.
    #[error(
        "its character {place} is U+{code:04X}, a line break or another control or format character; expected one \
         line of characters that can be seen; leave that one out"
    )]
    Unseen {
        /// Counted from 1.
        place: usize,
        /// The character's number.
        code: u32,
    },
}

impl Text {
    /// Takes spaces off the ends and checks the rest: what a person gives enters here and nowhere else.
    pub fn new(text: &str) -> Result<Self, InvalidText> {
        let text = text.trim();
        if let Some((index, unseen)) = text.chars().enumerate().find(|(_, it)| is_unseen(*it)) {
            let (place, code) = (index + 1, u32::from(unseen));
            return Err(InvalidText::Unseen { place, code });
        }
        match text.chars().count() {
            0 => Err(InvalidText::Empty),
            1..=TEXT_CHARS_MAX => Ok(Self(text.to_owned())),
            chars => Err(InvalidText::TooLong { chars }),
        }
    }

    /// A text as a journal has it: earlier programs took what [`new`](Self::new) refuses now. `None` for none.
    pub fn kept(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Format characters (general category Cf), and what separates lines and paragraphs, of Unicode 16.
const UNSEEN: &[(u32, u32)] = &[
    (0xAD, 0xAD),
    (0x600, 0x605),
    (0x61C, 0x61C),
    (0x6DD, 0x6DD),
    (0x70F, 0x70F),
    (0x890, 0x891),
    (0x8E2, 0x8E2),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x2064),
    (0x2066, 0x206F),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0001, 0xE0001),
    (0xE0020, 0xE007F),
];

/// A character that nobody sees, and that may change how the rest is read, or steer a terminal.
pub fn is_unseen(character: char) -> bool {
    let code = u32::from(character);
    let is_in = |(first, last): &(u32, u32)| (*first..=*last).contains(&code);
    character.is_control() || UNSEEN.iter().any(is_in)
}

/// The text of somebody else as one line that cannot steer a terminal: what a [`Text`] refuses is a space.
pub fn one_line(text: &str) -> String {
    text.replace(is_unseen, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_has_nothing_that_a_text_refuses() {
        let steers = "\u{1b}[31mRED\u{7}\u{202e}\n2026 fake\u{200b}\u{2028}Störung ✓";
        assert_eq!(one_line(steers), " [31mRED   2026 fake  Störung ✓");
    }

    #[test]
    fn a_text_is_one_line_with_something_in_it() {
        assert_eq!(Text::new("  INC-17 \n").unwrap().as_str(), "INC-17");
        let longest = "ä".repeat(TEXT_CHARS_MAX);
        assert_eq!(Text::new(&longest).unwrap().to_string(), longest);
        for text in ["", " \t", "\u{a0}"] {
            assert_eq!(Text::new(text), Err(InvalidText::Empty), "{text}");
        }
        let chars = TEXT_CHARS_MAX + 1;
        let refused = Text::new(&"a".repeat(chars));
        assert_eq!(refused, Err(InvalidText::TooLong { chars }));
    }

    #[test]
    fn what_nobody_sees_is_refused_with_its_place() {
        for unseen in [
            '\n',
            '\0',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{200b}',
            '\u{200d}',
            '\u{2028}',
            '\u{202e}',
            '\u{2066}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            let refused = Text::new(&format!("gä{unseen}b"));
            let code = u32::from(unseen);
            assert_eq!(refused, Err(InvalidText::Unseen { place: 3, code }));
        }
        let seen = "Störung – “Leitung” 3 ✓ 漢字 e\u{301}";
        assert_eq!(Text::new(seen).unwrap().as_str(), seen);
        let refused = Text::new("\u{202e}CNI").unwrap_err().to_string();
        assert!(
            refused.starts_with("its character 1 is U+202E"),
            "{refused}"
        );
    }

    #[test]
    fn what_a_journal_has_is_read_as_it_is() {
        let kept = Text::kept("a\u{200b}b").unwrap();
        assert_eq!(kept.as_str(), "a\u{200b}b");
        assert_eq!(Text::kept(""), None);
    }
}
