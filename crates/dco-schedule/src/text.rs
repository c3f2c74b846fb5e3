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
        "its character {place} is U+{code:04X}, a line break or another character that nobody sees; expected one \
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

/// Format characters (general category Cf), what separates lines and paragraphs, and what is shown as nothing
/// (Default_Ignorable_Code_Point), of Unicode 16; and the Braille cell without a dot.
const UNSEEN: &[(u32, u32)] = &[
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x600, 0x605),
    (0x61C, 0x61C),
    (0x6DD, 0x6DD),
    (0x70F, 0x70F),
    (0x890, 0x891),
    (0x8E2, 0x8E2),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
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
            '\u{34f}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{180b}',
            '\u{180f}',
            '\u{200b}',
            '\u{200d}',
            '\u{2028}',
            '\u{202e}',
            '\u{2065}',
            '\u{2066}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff0}',
            '\u{e0041}',
            '\u{e0100}',
        ] {
            let refused = Text::new(&format!("gä{unseen}b"));
            let code = u32::from(unseen);
            assert_eq!(refused, Err(InvalidText::Unseen { place: 3, code }));
        }
        for unseen in ['\u{115f}', '\u{2800}', '\u{3164}'] {
            let code = u32::from(unseen);
            let alone = Text::new(&unseen.to_string());
            assert_eq!(alone, Err(InvalidText::Unseen { place: 1, code }));
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
