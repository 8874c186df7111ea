//! An XML document as a tree, read as strictly as any consumer of JUnit may read it.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// One element.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    pub(super) text: String,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// The children of one name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Elements of this name, at any depth.
    pub(super) fn count(&self, name: &str) -> usize {
        let below: usize = self.children.iter().map(|child| child.count(name)).sum();
        below + usize::from(self.name == name)
    }
}

/// Reads a document as any XML 1.0 reader would, or says what is wrong with it.
pub(super) fn read(xml: &str) -> Result<Element, String> {
    if let Some(c) = xml.chars().find(|c| !is_allowed(*c)) {
        return Err(format!("{c:?} is no character of XML 1.0"));
    }
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_comments = true;
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => open.push(element(&start)?),
            Event::Empty(start) => {
                let empty = element(&start)?;
                last(&mut open)?.children.push(empty);
            }
            Event::End(_) => {
                let closed = open.pop().ok_or("an end without a start")?;
                last(&mut open)?.children.push(closed);
            }
            Event::Text(text) => {
                let text = text.decode().map_err(|error| error.to_string())?;
                last(&mut open)?.text += &text;
            }
            Event::CData(data) => {
                let data = data.decode().map_err(|error| error.to_string())?;
                last(&mut open)?.text += &data;
            }
            Event::GeneralRef(reference) => {
                let number = reference.resolve_char_ref();
                let number = number.map_err(|error| error.to_string())?;
                let text = last(&mut open)?;
                match (number, &*reference) {
                    (Some(c), _) => text.text.push(c),
                    (None, b"amp") => text.text.push('&'),
                    (None, b"lt") => text.text.push('<'),
                    (None, b"gt") => text.text.push('>'),
                    (None, b"quot") => text.text.push('"'),
                    (None, b"apos") => text.text.push('\''),
                    (None, name) => return Err(format!("nobody knows {name:?}")),
                }
            }
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    let mut document = open.pop().ok_or("nothing is left open")?;
    match (open.is_empty(), document.children.len()) {
        (true, 1) => Ok(document.children.remove(0)),
        _ => Err("there is not one root".to_owned()),
    }
}

/// The production `Char` of XML 1.0.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn last(open: &mut [Element]) -> Result<&mut Element, String> {
    open.last_mut().ok_or_else(|| "an end too many".to_owned())
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(true) {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.value.contains(&b'<') {
            return Err(format!("a bare < in an attribute of {name}"));
        }
        // A reader makes spaces of the line breaks in an attribute.
        if attribute.value.contains(&b'\n') {
            return Err(format!("a line break in an attribute of {name}"));
        }
        let value = attribute
            .normalized_value(quick_xml::XmlVersion::Explicit1_0)
            .map_err(|error| error.to_string())?;
        let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        attributes.push((key, value.into_owned()));
    }
    Ok(Element {
        name,
        attributes,
        ..Element::default()
    })
}

#[test]
fn the_reader_sees_what_is_broken() {
    for broken in [
        "",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a x='1' x='2'/>",
        "<a x='<'/>",
        "<a><![CDATA[ ]]> ]]></a",
        "<a>\u{1b}</a>",
        "<a x=\"1\n2\"/>",
    ] {
        assert!(read(broken).is_err(), "{broken}");
    }
    let read = read("<a x='1 &lt; 2'><![CDATA[<b>]]> &amp; c</a>").unwrap();
    assert_eq!(read.attribute("x"), Some("1 < 2"));
    assert_eq!(read.text, "<b> & c");
}
