//! Sentences as spans: what stands in them from outside stays apart until a renderer escapes it in its own way.

use std::fmt;
use std::ops::{Add, AddAssign};

use super::{capitalized, one_line, shorten};

/// Columns of a name at most: enough for any honest one, and few enough that a sentence can still be read.
const LONGEST: usize = 120;
const LONGEST_MESSAGE: usize = 480;

/// A sentence or a part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(Vec<Span>);

/// A piece of a text, on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    Plain(String),
    /// A name or a message that came from outside.
    Untrusted(String),
    /// Something to type.
    Code(String),
}

/// A text from a template with a hole `{}` for each argument.
macro_rules! text {
    ($template:literal $(, $argument:expr)* $(,)?) => {{
        const { $crate::report::text::spans::assert_holes($template, [$(stringify!($argument)),*]) }
        $crate::report::text::spans::Text::filled(
            $template,
            [$($crate::report::text::spans::Text::from($argument)),*],
        )
    }};
}
pub(crate) use text;

/// Refuses to compile a template that has not one hole for each argument.
pub(crate) const fn assert_holes<const N: usize>(template: &str, _: [&str; N]) {
    let bytes = template.as_bytes();
    let (mut at, mut holes) = (1, 0);
    while at < bytes.len() {
        if bytes[at - 1] == b'{' && bytes[at] == b'}' {
            holes += 1;
        }
        at += 1;
    }
    assert!(holes == N, "a template has one hole for each argument");
}

/// A name that came from outside; what is absurdly long loses its middle.
pub(crate) fn untrusted(name: &str) -> Text {
    Text(vec![Span::Untrusted(shorten(&one_line(name), LONGEST))])
}

/// A message from outside with what it says at its end, such as where a log lies.
pub(crate) fn untrusted_message(message: &str) -> Text {
    let message = shorten(&one_line(message), LONGEST_MESSAGE);
    Text(vec![Span::Untrusted(message)])
}

/// A load as the record words it, which from a stored record may be anything.
pub(crate) fn untrusted_load(load: &str) -> Text {
    let is_load = |c: char| c.is_ascii_alphanumeric() || " .,/".contains(c);
    if load.len() <= LONGEST && load.chars().all(is_load) {
        return load.into();
    }
    untrusted(load)
}

pub(crate) fn command(command: &str) -> Text {
    Text(vec![Span::Code(one_line(command))])
}

impl Text {
    /// The template with a text in each of its holes.
    pub(crate) fn filled<const N: usize>(template: &str, arguments: [Self; N]) -> Self {
        let mut text = Self::default();
        let mut arguments = arguments.into_iter();
        for (index, words) in template.split("{}").enumerate() {
            if index > 0 {
                text += arguments.next().unwrap_or_default();
            }
            text += words;
        }
        text
    }

    pub(crate) fn join(texts: impl IntoIterator<Item = Self>, separator: &str) -> Self {
        let mut all = Self::default();
        for (index, text) in texts.into_iter().enumerate() {
            if index > 0 {
                all += separator;
            }
            all += text;
        }
        all
    }

    /// The text with its first letter in upper case, unless it begins with a name.
    #[must_use]
    pub(crate) fn capitalized(mut self) -> Self {
        if let Some(Span::Plain(first)) = self.0.first_mut() {
            *first = capitalized(first);
        }
        self
    }

    #[must_use]
    pub(crate) fn stopped(self) -> Self {
        match self.0.last() {
            Some(Span::Plain(last)) if last.ends_with(['.', '!', '?']) => self,
            _ => self + ".",
        }
    }

    /// The text as a sentence, with its capital and its full stop.
    #[must_use]
    pub(crate) fn sentence(self) -> Self {
        self.capitalized().stopped()
    }

    /// The text by a function that escapes each span.
    pub(crate) fn render(&self, escape: impl FnMut(&Span) -> String) -> String {
        self.0.iter().map(escape).collect()
    }
}

/// For a terminal, a log or an XML attribute: commands stand in backticks.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for span in &self.0 {
            match span {
                Span::Plain(text) | Span::Untrusted(text) => f.write_str(text)?,
                Span::Code(text) => write!(f, "`{text}`")?,
            }
        }
        Ok(())
    }
}

impl<T: Into<Text>> AddAssign<T> for Text {
    fn add_assign(&mut self, other: T) {
        for span in other.into().0 {
            match (self.0.last_mut(), span) {
                (Some(Span::Plain(last)), Span::Plain(more)) => last.push_str(&more),
                (_, span) => self.0.push(span),
            }
        }
    }
}

impl<T: Into<Text>> Add<T> for Text {
    type Output = Self;

    fn add(mut self, other: T) -> Self {
        self += other;
        self
    }
}

impl From<&str> for Text {
    fn from(words: &str) -> Self {
        words.to_owned().into()
    }
}

impl From<String> for Text {
    fn from(words: String) -> Self {
        let span = (!words.is_empty()).then_some(Span::Plain(words));
        Self(span.into_iter().collect())
    }
}

impl From<&String> for Text {
    fn from(words: &String) -> Self {
        words.clone().into()
    }
}

/// Nothing where there is none.
impl<T: Into<Text>> From<Option<T>> for Text {
    fn from(text: Option<T>) -> Self {
        text.map_or_else(Self::default, Into::into)
    }
}

/// Values that are written as they display.
macro_rules! displayed {
    ($($type:ty),*) => {
        $(impl From<$type> for Text {
            fn from(value: $type) -> Self {
                value.to_string().into()
            }
        })*
    };
}

displayed!(
    u16,
    &u16,
    u32,
    u64,
    &u32,
    &u64,
    usize,
    jiff::civil::Date,
    crate::units::Latency,
    crate::measurement::FailureKind
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_keeps_names_apart_and_as_they_are() {
        let text = text!("{} took {}", untrusted("get /a"), "5 ms") + " and more";
        assert_eq!(
            text.0,
            [
                Span::Untrusted("get /a".to_owned()),
                Span::Plain(" took 5 ms and more".to_owned())
            ]
        );
        assert_eq!(text.sentence().to_string(), "get /a took 5 ms and more.");
        let text = text!("run {}", command("a b"));
        assert_eq!(text.sentence().to_string(), "Run `a b`.");
    }
}
