//! The graph as a picture: each target a card with its state and artifacts, each source beside who reads it.
//!
//! Self-contained: no script, no font, no other file; it follows the viewer's light or dark scheme.

mod layout;

use std::collections::HashMap;
use std::fmt::Write as _;

use self::layout::{Layout, Link, Size, lay_out};
use super::{Need, Picture, Source};
use crate::engine::graph::{ArtifactId, TargetId};
use crate::engine::spec::Action;
use crate::outward::escape_xml;

/// Width of one character of the fixed-width font at its size of 12.
const CHARACTER: f64 = 7.25;
const HEAD: f64 = 26.0;
const ROW: f64 = 19.0;
const PAD: f64 = 10.0;
/// Characters of a path in a card.
const LONGEST_PATH: usize = 32;

const STYLE: &str = "\
text { font: 12px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328; }
.name { font-weight: bold; }
.word { fill: #57606a; }
.card { fill: #f6f8fa; stroke: #57606a; }
.goal { stroke-width: 2.5; }
.open { stroke: #bc4c00; stroke-dasharray: 6 4; }
.open-word { fill: #bc4c00; font-weight: bold; }
.rule { stroke: #d0d7de; }
.source { fill: none; stroke: #8c959f; }
.way { fill: none; stroke: #8c959f; }
.before { stroke-dasharray: 2 4; }
.back { fill: #ffffff; }
.tip { fill: #8c959f; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.word { fill: #9198a1; }
.card { fill: #161b22; stroke: #9198a1; }
.open { stroke: #f0883e; }
.open-word { fill: #f0883e; }
.rule { stroke: #30363d; }
.back { fill: #0d1117; }
}
";

/// What a box is.
enum BoxContent {
    Target(TargetId),
    Source(String),
}

/// A way between two boxes: the place in `links` tells the ends.
struct Drawn {
    boxes: Vec<BoxContent>,
    sizes: Vec<Size>,
    links: Vec<Link>,
    /// Whether a way is only an order.
    before: Vec<bool>,
}

/// Draws the graph.
#[must_use]
pub fn svg(picture: &Picture<'_>) -> String {
    draw(picture, STYLE, "")
}

/// Draws the graph for a page that has more than this picture: its style is for nothing else.
#[must_use]
pub fn inline(picture: &Picture<'_>) -> String {
    let own = |line: &str| match line.starts_with(['.', 't']) {
        true => format!(".graph {line}\n"),
        false => format!("{line}\n"),
    };
    let style: String = STYLE.lines().map(own).collect();
    draw(picture, &style, " class=\"graph\"")
}

fn draw(picture: &Picture<'_>, style: &str, class: &str) -> String {
    let drawn = gather(picture);
    let layout = lay_out(&drawn.sizes, &drawn.links);
    let mut out = String::new();
    let (width, height) = (layout.width, layout.height);
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\"{class} width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">"
    );
    let project = match picture.graph.spec.name.as_str() {
        "" => String::new(),
        name => format!("{}: ", escape_xml(name)),
    };
    let _ = writeln!(out, "<title>{project}what is made of what</title>");
    let _ = writeln!(out, "<style>\n{style}</style>");
    out.push_str(
        "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path class=\"tip\" d=\"M0,0 L8,4 L0,8 z\"/></marker></defs>\n",
    );
    out.push_str("<rect class=\"back\" width=\"100%\" height=\"100%\"/>\n");
    for (points, before) in layout.ways.iter().zip(&drawn.before) {
        draw_way(&mut out, points, *before);
    }
    for (what, number) in drawn.boxes.iter().zip(0..) {
        match what {
            BoxContent::Target(id) => draw_card(&mut out, picture, *id, &layout, number),
            BoxContent::Source(label) => draw_source(&mut out, label, &layout, number),
        }
    }
    out.push_str("</svg>\n");
    out
}

/// Gives every target a layer after those that it needs, and every source one before its reader.
fn gather(picture: &Picture<'_>) -> Drawn {
    let mut drawn = Drawn {
        boxes: Vec::new(),
        sizes: Vec::new(),
        links: Vec::new(),
        before: Vec::new(),
    };
    let mut targets: HashMap<TargetId, usize> = HashMap::new();
    // A source that is read in several layers is drawn in each: one way across the whole picture says less.
    let mut sources: HashMap<(Source, usize), usize> = HashMap::new();
    for &id in &picture.targets {
        let needs = picture.needs(id);
        let needed = needs.iter().filter_map(|need| match need {
            Need::Artifact(artifact) => Some(artifact.target),
            Need::Source(_) => None,
        });
        let earlier = needed
            .chain(picture.after(id))
            .filter_map(|earlier| targets.get(&earlier));
        // Layer 0 is for sources alone.
        let layer = earlier.map(|number| drawn.sizes[*number].layer + 1).fold(1, usize::max);
        let number = drawn.add(BoxContent::Target(id), card_size(picture, id, layer));
        targets.insert(id, number);
        for need in needs {
            let (from, below) = match need {
                Need::Artifact(artifact) => (targets[&artifact.target], port(artifact)),
                Need::Source(source) => {
                    let label = source.text();
                    let from = *sources.entry((source, layer)).or_insert_with(|| {
                        let size = Size {
                            layer: layer - 1,
                            width: text_width(&label) + 2.0 * PAD,
                            height: HEAD,
                        };
                        drawn.add(BoxContent::Source(label), size)
                    });
                    (from, HEAD / 2.0)
                }
            };
            drawn.link(
                Link {
                    from,
                    below,
                    to: number,
                },
                false,
            );
        }
        for earlier in picture.after(id) {
            let link = Link {
                from: targets[&earlier],
                below: HEAD / 2.0,
                to: number,
            };
            drawn.link(link, true);
        }
    }
    drawn
}

impl Drawn {
    fn add(&mut self, what: BoxContent, size: Size) -> usize {
        self.boxes.push(what);
        self.sizes.push(size);
        self.boxes.len() - 1
    }

    fn link(&mut self, link: Link, before: bool) {
        self.links.push(link);
        self.before.push(before);
    }
}

/// What a card says of each artifact, and its path: the name, or, where that is the target's own, the end of the path.
fn made_rows(picture: &Picture<'_>, id: TargetId) -> Vec<(String, String)> {
    let own = picture.pattern_of(id);
    let own = own.as_deref().unwrap_or_else(|| picture.graph.name(id));
    let row = |(name, path): (String, String)| match name == own {
        true => (end_of(&path), path),
        false => (name, path),
    };
    picture.made(id).into_iter().map(row).collect()
}

/// As many directories at the end of a path as have room in a card; its name in any case.
fn end_of(path: &str) -> String {
    let fits = |end: &str| end.chars().count() < LONGEST_PATH;
    if fits(path) {
        return path.to_owned();
    }
    let inner = path.trim_end_matches('/').match_indices('/');
    let mut ends: Vec<&str> = inner.map(|(at, _)| &path[at..]).collect();
    let shortest = ends.pop();
    match ends.into_iter().find(|end| fits(end)).or(shortest) {
        Some(end) => format!("…{end}"),
        None => path.to_owned(),
    }
}

/// How far below its card's top an artifact's row has its middle.
fn port(artifact: ArtifactId) -> f64 {
    HEAD + ROW * (f64::from(artifact.output) + 0.5)
}

fn card_size(picture: &Picture<'_>, id: TargetId, layer: usize) -> Size {
    let target = picture.graph.target(id);
    let word = picture
        .state_words(id)
        .map_or(0.0, |words| text_width(&words) + 2.0 * PAD);
    let rows = made_rows(picture, id)
        .into_iter()
        .map(|(row, _)| text_width(&row) + PAD);
    let width = rows.fold(text_width(&picture.name(id)) + word, f64::max) + 2.0 * PAD;
    let rows = u32::try_from(target.outputs.len()).unwrap_or(u32::MAX);
    let height = HEAD + ROW * f64::from(rows) + 4.0;
    Size { layer, width, height }
}

fn draw_card(out: &mut String, picture: &Picture<'_>, id: TargetId, layout: &Layout, number: usize) {
    let target = picture.graph.target(id);
    let (x, y, width) = layout.boxes[number];
    let rows = u32::try_from(target.outputs.len()).unwrap_or(u32::MAX);
    let height = HEAD + ROW * f64::from(rows) + 4.0;
    let open = picture.is_open(id);
    let mut class = "card".to_owned();
    if picture.goals.contains(&id) {
        class.push_str(" goal");
    }
    if open {
        class.push_str(" open");
    }
    let does = match &target.action {
        Action::Builtin { task, .. } => format!("uses {task}"),
        Action::Command(command) => format!("runs {}", command.text()),
    };
    let hint = target.desc.clone().unwrap_or(does.into());
    let _ = writeln!(out, "<g><title>{}</title>", escape_xml(&hint));
    let _ = writeln!(
        out,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"/>"
    );
    let base = y + HEAD / 2.0 + 4.0;
    text(out, "name", x + PAD, base, "start", &picture.name(id));
    if let Some(words) = picture.state_words(id) {
        let class = if open { "open-word" } else { "word" };
        text(out, class, x + width - PAD, base, "end", &words);
    }
    let rule = y + HEAD;
    let _ = writeln!(
        out,
        "<line class=\"rule\" x1=\"{x:.1}\" y1=\"{rule:.1}\" x2=\"{:.1}\" y2=\"{rule:.1}\"/>",
        x + width
    );
    for ((row, path), at) in made_rows(picture, id).iter().zip(0..) {
        let artifact = ArtifactId { target: id, output: at };
        let _ = writeln!(out, "<g><title>{}</title>", escape_xml(path));
        text(out, "word", x + width - PAD, y + port(artifact) + 4.0, "end", row);
        out.push_str("</g>\n");
    }
    out.push_str("</g>\n");
}

fn draw_source(out: &mut String, label: &str, layout: &Layout, number: usize) {
    let (x, y, width) = layout.boxes[number];
    // As wide as its text, at the right of its layer, where its ways begin.
    let own = text_width(label) + 2.0 * PAD;
    let left = x + width - own;
    let _ = writeln!(
        out,
        "<rect class=\"source\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{own:.1}\" height=\"{HEAD:.1}\" rx=\"13\"/>"
    );
    text(out, "word", left + PAD, y + HEAD / 2.0 + 4.0, "start", label);
}

fn draw_way(out: &mut String, points: &[(f64, f64)], before: bool) {
    let class = if before { "way before" } else { "way" };
    let mut path = String::new();
    for (at, (x, y)) in points.iter().enumerate() {
        match at {
            0 => {
                let _ = write!(path, "M{x:.1},{y:.1}");
            }
            // From a layer's right side to the next one's left: level at both ends.
            _ if at % 2 == 1 => {
                let (from, level) = points[at - 1];
                let bend = f64::midpoint(from, *x);
                let _ = write!(path, " C{bend:.1},{level:.1} {bend:.1},{y:.1} {x:.1},{y:.1}");
            }
            _ => {
                let _ = write!(path, " H{x:.1}");
            }
        }
    }
    let _ = writeln!(out, "<path class=\"{class}\" d=\"{path}\" marker-end=\"url(#tip)\"/>");
}

fn text(out: &mut String, class: &str, x: f64, y: f64, anchor: &str, text: &str) {
    let text = escape_xml(text);
    let _ = writeln!(
        out,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
    );
}

/// The width of a text; East Asian characters take two columns of a fixed-width font.
fn text_width(text: &str) -> f64 {
    let columns = text.chars().map(|c| if c >= '\u{1100}' { 2 } else { 1 }).sum::<u32>();
    f64::from(columns) * CHARACTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_keeps_its_name_and_the_directories_that_have_room() {
        let long = "artifacts/regions/texas/hourly/predictions.parquet";
        for (path, shown) in [
            ("out/x.csv", "out/x.csv"),
            (long, "…/hourly/predictions.parquet"),
            (
                "a/models-of-the-whole-of-the-last-year/",
                "…/models-of-the-whole-of-the-last-year/",
            ),
            (
                "predictions-of-the-whole-of-the-last-year.csv",
                "predictions-of-the-whole-of-the-last-year.csv",
            ),
        ] {
            assert_eq!(end_of(path), shown);
        }
    }
}
