//! A parameter file in YAML: from the events of a parser without recursion, anchors, aliases and merge keys included.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks, Tag};

use super::{Count, DEEPEST, Key, Node, span, too_deep, yaml_scalar};
use crate::atsaffile::mistakes::Mistakes;
use crate::engine::spec::{Span, Value};

/// The key that takes over the entries of other tables.
const MERGE: &str = "<<";

/// Reads the entries of the file, whose values are those of YAML 1.1.
pub(super) fn read(text: &str, mistakes: &mut Mistakes) -> Vec<(Key, Node)> {
    read_with(yaml_scalar::plain, text, mistakes)
}

/// The same of a file whose values are those of YAML 1.2.
pub(super) fn read_1_2(text: &str, mistakes: &mut Mistakes) -> Vec<(Key, Node)> {
    read_with(yaml_scalar::plain_1_2, text, mistakes)
}

fn read_with(plain: fn(&str) -> Node, text: &str, mistakes: &mut Mistakes) -> Vec<(Key, Node)> {
    let mut reader = YamlReader {
        plain,
        offsets: Offsets::of(text),
        mistakes,
        open: Vec::new(),
        anchors: HashMap::new(),
        count: Count::default(),
        root: None,
    };
    for event in Parser::new_from_str(text) {
        let done = match event {
            Ok((event, marks)) => reader.event(event, marks),
            Err(error) => {
                let at = reader.offsets.byte(error.marker().index());
                Err((span(at, at), format!("this is not YAML: {}", error.info())))
            }
        };
        if let Err((span, what)) = done {
            reader.mistakes.error(span, what);
            return Vec::new();
        }
    }
    match reader.root {
        Some(Node::Table(entries)) => entries,
        None | Some(Node::Value(Value::Null)) => Vec::new(),
        Some(_) => {
            let what = "a parameter file is a mapping of names and values";
            mistakes.error(span(0, text.trim_end().len()), what);
            Vec::new()
        }
    }
}

/// What is wrong, and where: the rest of the file is then not read.
type Fault = (Span, String);

/// A list or mapping that is not closed yet.
struct Open {
    anchor: usize,
    /// Why it can be no parameter, if its tag says so.
    unfit: Option<String>,
    content: OpenContent,
    /// How many values were there before it.
    count: usize,
}

enum OpenContent {
    List(Vec<Node>),
    Table {
        entries: Vec<(Key, Node)>,
        /// The keys, each with its place.
        seen: HashMap<String, Span>,
        /// What `<<` names, and where.
        merged: Option<(Span, Node)>,
        /// The key whose value comes next, and whether it is `<<`.
        key: Option<(Key, bool)>,
    },
}

struct YamlReader<'m> {
    /// What a scalar without quotes and tag is.
    plain: fn(&str) -> Node,
    offsets: Offsets,
    mistakes: &'m mut Mistakes,
    open: Vec<Open>,
    /// What has an anchor, and of how many values it is.
    anchors: HashMap<usize, (Node, usize)>,
    count: Count,
    root: Option<Node>,
}

impl YamlReader<'_> {
    fn event(&mut self, event: Event<'_>, marks: Marks) -> Result<(), Fault> {
        let at = self.offsets.span(marks);
        match event {
            Event::MappingStart(anchor, tag) => {
                let content = OpenContent::Table {
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    merged: None,
                    key: None,
                };
                self.start(anchor, unfit_tag(tag.as_deref(), "map"), content, at)
            }
            Event::SequenceStart(anchor, tag) => {
                let content = OpenContent::List(Vec::new());
                self.start(anchor, unfit_tag(tag.as_deref(), "seq"), content, at)
            }
            Event::MappingEnd | Event::SequenceEnd => match self.open.pop() {
                Some(open) => self.end(open),
                None => Ok(()),
            },
            Event::Scalar(text, style, anchor, tag) => {
                self.counted(1, at)?;
                if let Some(key) = self.key(&text, at) {
                    *key = Some((
                        Key {
                            text: text.into_owned(),
                            span: at,
                        },
                        style == ScalarStyle::Plain,
                    ));
                    return Ok(());
                }
                let node = scalar(&text, style, tag.as_deref(), self.plain);
                if anchor > 0 {
                    self.anchors.insert(anchor, (node.clone(), 1));
                }
                self.put(node);
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::DocumentStart(_) if self.root.is_some() => {
                Err((at, "a parameter file has one document, and this is another".to_owned()))
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn counted(&mut self, more: usize, at: Span) -> Result<(), Fault> {
        match self.count.add(more) {
            true => Err((at, format!("this file cannot be read: {}", Count::too_many()))),
            false => Ok(()),
        }
    }

    fn start(&mut self, anchor: usize, unfit: Option<String>, content: OpenContent, at: Span) -> Result<(), Fault> {
        if self.awaits_key() {
            return Err((at, "a key is a text, and this is a list or a mapping".to_owned()));
        }
        if self.open.len() == DEEPEST {
            return Err((at, format!("this file cannot be read: {}", too_deep())));
        }
        self.counted(1, at)?;
        self.open.push(Open {
            anchor,
            unfit,
            content,
            count: self.count.0,
        });
        Ok(())
    }

    /// Whether the next thing in the innermost mapping is a key.
    fn awaits_key(&self) -> bool {
        let innermost = self.open.last().map(|open| &open.content);
        matches!(innermost, Some(OpenContent::Table { key: None, .. }))
    }

    /// The place for a key, if a key comes next.
    fn key(&mut self, text: &str, at: Span) -> Option<&mut Option<(Key, bool)>> {
        let Some(OpenContent::Table { seen, key, .. }) = self.open.last_mut().map(|open| &mut open.content) else {
            return None;
        };
        if key.is_some() {
            return None;
        }
        if let Some(first) = seen.insert(text.to_owned(), at) {
            self.mistakes
                .error(at, format!("`{text}` is written twice"))
                .also(first, "first here");
        }
        Some(key)
    }

    fn alias(&mut self, anchor: usize, at: Span) -> Result<(), Fault> {
        if self.awaits_key() {
            return Err((at, "a key is a text, and this is an alias".to_owned()));
        }
        let Some((node, count)) = self.anchors.get(&anchor) else {
            return Err((at, "this alias means the list or mapping that it stands in".to_owned()));
        };
        let (node, count) = (node.clone(), *count);
        if self.open.len() + depth(&node) > DEEPEST {
            return Err((at, format!("this file cannot be read: {}", too_deep())));
        }
        self.counted(count, at)?;
        self.put(node);
        Ok(())
    }

    /// Closes a list or mapping.
    fn end(&mut self, open: Open) -> Result<(), Fault> {
        let count = self.count.0 - open.count + 1;
        let node = match open.content {
            OpenContent::List(items) => Node::List(items),
            OpenContent::Table { entries, merged, .. } => Node::Table(merge(entries, merged)?),
        };
        let node = open.unfit.map_or(node, Node::Unfit);
        if open.anchor > 0 {
            self.anchors.insert(open.anchor, (node.clone(), count));
        }
        self.put(node);
        Ok(())
    }

    fn put(&mut self, node: Node) {
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(OpenContent::List(items)) => items.push(node),
            Some(OpenContent::Table {
                entries, merged, key, ..
            }) => match key.take() {
                Some((key, true)) if key.text == MERGE => *merged = Some((key.span, node)),
                Some((key, _)) => entries.push((key, node)),
                None => {}
            },
        }
    }
}

/// The entries of a mapping with those of the mappings that it merges: its own count first, then those of the first.
fn merge(mut entries: Vec<(Key, Node)>, merged: Option<(Span, Node)>) -> Result<Vec<(Key, Node)>, Fault> {
    let Some((at, merged)) = merged else {
        return Ok(entries);
    };
    let all = match merged {
        Node::List(items) => items,
        one => vec![one],
    };
    let mut known: HashSet<String> = entries.iter().map(|(key, _)| key.text.clone()).collect();
    for one in all {
        let Node::Table(more) = one else {
            return Err((at, "`<<` takes a mapping or a list of mappings".to_owned()));
        };
        entries.extend(more.into_iter().filter(|(key, _)| known.insert(key.text.clone())));
    }
    Ok(entries)
}

/// How deep lists and mappings stand in each other.
fn depth(node: &Node) -> usize {
    let below = match node {
        Node::List(items) => items.iter().map(depth).max(),
        Node::Table(entries) => entries.iter().map(|(_, node)| depth(node)).max(),
        Node::Value(_) | Node::Unfit(_) => return 0,
    };
    below.unwrap_or_default() + 1
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, plain: fn(&str) -> Node) -> Node {
    match tag {
        Some(tag) if tag.is_yaml_core_schema() => {
            yaml_scalar::tagged(&tag.suffix, text).unwrap_or_else(|| Node::Unfit(tagged(tag)))
        }
        Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Node::text(text),
        Some(tag) => Node::Unfit(tagged(tag)),
        None if style == ScalarStyle::Plain => plain(text),
        None => Node::text(text),
    }
}

/// Why a list or mapping can be no parameter, if its tag is not the usual one.
fn unfit_tag(tag: Option<&Tag>, usual: &str) -> Option<String> {
    let is_usual = |tag: &&Tag| tag.is_yaml_core_schema() && tag.suffix == usual;
    tag.filter(|tag| !is_usual(tag)).map(tagged)
}

fn tagged(tag: &Tag) -> String {
    let shown = match tag.is_yaml_core_schema() {
        true => format!("!!{}", tag.suffix),
        false => format!("{}{}", tag.handle, tag.suffix),
    };
    format!("what has the tag `{shown}`, which means something only to the file's own reader")
}

/// Bytes of a text by the numbers of its characters.
enum Offsets {
    /// They are the same.
    Ascii(usize),
    Table(Vec<u32>),
}

impl Offsets {
    fn of(text: &str) -> Self {
        if text.is_ascii() {
            return Self::Ascii(text.len());
        }
        let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        Self::Table(ends.map(|at| u32::try_from(at).unwrap_or(u32::MAX)).collect())
    }

    fn byte(&self, character: usize) -> usize {
        match self {
            Self::Ascii(length) => character.min(*length),
            Self::Table(table) => table.get(character).or(table.last()).map_or(0, |at| *at as usize),
        }
    }

    fn span(&self, marks: Marks) -> Span {
        span(self.byte(marks.start.index()), self.byte(marks.end.index()))
    }
}
