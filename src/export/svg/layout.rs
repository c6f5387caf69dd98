//! Places boxes in layers from left to right, and ways between them around what is in between.
//!
//! The method of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures"
//! (1981), in its plain form: a way through several layers gets a place in each, the order within a layer follows the
//! mean place of the neighbours, the order with the fewest crossings is kept, and each box then moves as near to its
//! neighbours as the others let it.

/// A box to be placed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) layer: usize,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A way from the right side of one box to the left side of another in a later layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) from: usize,
    /// How far below the top of its box it begins.
    pub(super) below: f64,
    pub(super) to: usize,
}

/// Where everything is.
#[derive(Debug)]
pub(super) struct Layout {
    /// Left upper corner and width of each box: as wide as its layer.
    pub(super) boxes: Vec<(f64, f64, f64)>,
    /// The points of each way: beginning, entry and exit of every layer in between, end.
    pub(super) ways: Vec<Vec<(f64, f64)>>,
    pub(super) width: f64,
    pub(super) height: f64,
}

const MARGIN: f64 = 20.0;
const LAYER_GAP: f64 = 56.0;
const BOX_GAP: f64 = 18.0;
/// Room for a way that passes a layer.
const PASS: f64 = 8.0;
const SWEEPS: usize = 12;
/// A longer way goes straight: places in that many layers would cost more than they show.
const LONGEST: usize = 32;

struct LayoutItem {
    layer: usize,
    height: f64,
    /// Neighbours in the layer before, with the height at which the way leaves them.
    left: Vec<(usize, f64)>,
    /// Neighbours in the layer after, with the height at which the way leaves this item.
    right: Vec<(usize, f64)>,
}

/// Places boxes and ways.
pub(super) fn lay_out(sizes: &[Size], links: &[Link]) -> Layout {
    let (items, chains) = items(sizes, links);
    let count = items.iter().map(|item| item.layer + 1).max().unwrap_or(0);
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (number, item) in items.iter().enumerate() {
        layers[item.layer].push(number);
    }
    order(&items, &mut layers);
    let top = heights(&items, &layers);
    let mut columns = Vec::with_capacity(count);
    let mut x = MARGIN;
    for layer in 0..count {
        let boxes = sizes.iter().filter(|size| size.layer == layer);
        let width = boxes.map(|size| size.width).fold(0.0, f64::max);
        columns.push((x, width));
        x += width + LAYER_GAP;
    }
    let boxes: Vec<(f64, f64, f64)> = sizes
        .iter()
        .enumerate()
        .map(|(number, size)| (columns[size.layer].0, top[number], columns[size.layer].1))
        .collect();
    let bottom = items.iter().zip(&top).map(|(item, top)| top + item.height);
    Layout {
        ways: ways(&items, links, &chains, &top, &columns),
        boxes,
        width: x - LAYER_GAP + MARGIN,
        height: bottom.fold(0.0, f64::max) + MARGIN,
    }
}

/// The boxes, and a narrow item for each layer that a way passes; and the items of each way.
fn items(sizes: &[Size], links: &[Link]) -> (Vec<LayoutItem>, Vec<Vec<usize>>) {
    let item = |layer, height| LayoutItem {
        layer,
        height,
        left: Vec::new(),
        right: Vec::new(),
    };
    let mut items: Vec<LayoutItem> = sizes.iter().map(|size| item(size.layer, size.height)).collect();
    let mut chains = Vec::with_capacity(links.len());
    for link in links {
        let mut chain = vec![link.from];
        let between = sizes[link.from].layer + 1..sizes[link.to].layer;
        if between.len() <= LONGEST {
            for layer in between {
                chain.push(items.len());
                items.push(item(layer, PASS));
            }
            chain.push(link.to);
            for (at, pair) in chain.windows(2).enumerate() {
                let below = if at == 0 { link.below } else { PASS / 2.0 };
                items[pair[0]].right.push((pair[1], below));
                items[pair[1]].left.push((pair[0], below));
            }
        } else {
            chain.push(link.to);
        }
        chains.push(chain);
    }
    (items, chains)
}

/// Puts each layer in the order in which the fewest ways cross, as far as the sweeps find it.
fn order(items: &[LayoutItem], layers: &mut Vec<Vec<usize>>) {
    let mut place = vec![0.0; items.len()];
    let number = |layer: &[usize], place: &mut [f64]| {
        for (at, item) in layer.iter().enumerate() {
            place[*item] = index(at);
        }
    };
    for layer in layers.iter() {
        number(layer, &mut place);
    }
    let mut best = (crossings(items, layers, &place), layers.clone());
    for sweep in 0..SWEEPS {
        let rightward = sweep % 2 == 0;
        for step in 1..layers.len() {
            let at = if rightward { step } else { layers.len() - 1 - step };
            let mean = |id: usize| {
                let item = &items[id];
                let fraction = |of: usize, below: f64| below / (items[of].height + 1.0);
                let places: Vec<f64> = if rightward {
                    item.left
                        .iter()
                        .map(|&(of, below)| place[of] + fraction(of, below))
                        .collect()
                } else {
                    item.right.iter().map(|&(of, _)| place[of]).collect()
                };
                match places.is_empty() {
                    true => place[id],
                    false => places.iter().sum::<f64>() / index(places.len()),
                }
            };
            let mut keyed: Vec<(f64, usize)> = layers[at].iter().map(|id| (mean(*id), *id)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            layers[at] = keyed.into_iter().map(|(_, id)| id).collect();
            number(&layers[at], &mut place);
        }
        let found = crossings(items, layers, &place);
        if found < best.0 {
            best = (found, layers.clone());
        }
    }
    *layers = best.1;
}

/// How many pairs of ways cross between neighbouring layers: the inversions of their ends, counted with a Fenwick tree.
fn crossings(items: &[LayoutItem], layers: &[Vec<usize>], place: &[f64]) -> usize {
    let mut total = 0;
    for layer in layers {
        let mut ends: Vec<usize> = Vec::new();
        for id in layer {
            let mut right = items[*id].right.clone();
            right.sort_by(|a, b| a.1.total_cmp(&b.1).then(place[a.0].total_cmp(&place[b.0])));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a place is a small index"
            )]
            ends.extend(right.iter().map(|(to, _)| place[*to] as usize));
        }
        let size = ends.iter().max().map_or(0, |most| most + 1);
        let mut seen = vec![0_usize; size + 1];
        for (before, end) in ends.iter().enumerate() {
            let (mut at, mut not_below) = (end + 1, 0);
            while at > 0 {
                not_below += seen[at];
                at &= at - 1;
            }
            total += before - not_below;
            at = end + 1;
            while at <= size {
                seen[at] += 1;
                at += at & at.wrapping_neg();
            }
        }
    }
    total
}

/// The upper edge of every item.
fn heights(items: &[LayoutItem], layers: &[Vec<usize>]) -> Vec<f64> {
    let mut top = vec![0.0; items.len()];
    for layer in layers {
        let wanted = vec![0.0; layer.len()];
        spread(items, layer, &wanted, &mut top);
    }
    for sweep in 0..SWEEPS {
        let rightward = sweep % 2 == 0;
        for step in 1..layers.len() {
            let layer = &layers[if rightward { step } else { layers.len() - 1 - step }];
            let wanted: Vec<f64> = layer
                .iter()
                .map(|id| {
                    let item = &items[*id];
                    let wishes: Vec<f64> = if rightward {
                        let from = item.left.iter();
                        from.map(|&(of, below)| top[of] + below - item.height / 2.0).collect()
                    } else {
                        let to = item.right.iter();
                        to.map(|&(of, below)| top[of] + items[of].height / 2.0 - below)
                            .collect()
                    };
                    match wishes.is_empty() {
                        true => top[*id],
                        false => wishes.iter().sum::<f64>() / index(wishes.len()),
                    }
                })
                .collect();
            spread(items, layer, &wanted, &mut top);
        }
    }
    let least = top.iter().copied().fold(f64::INFINITY, f64::min);
    if least.is_finite() {
        for top in &mut top {
            *top += MARGIN - least;
        }
    }
    top
}

/// Gives each item of a layer the height that it wants, as far as order and gaps allow: the mean of pushing all
/// downward and pushing all upward, which both keep the gaps, and so keeps them too.
fn spread(items: &[LayoutItem], layer: &[usize], wanted: &[f64], top: &mut [f64]) {
    let gap = |one: usize, two: usize| match items[one].height <= PASS && items[two].height <= PASS {
        true => PASS / 2.0,
        false => BOX_GAP,
    };
    let mut down = wanted.to_vec();
    for at in 1..layer.len() {
        let (above, id) = (layer[at - 1], layer[at]);
        down[at] = down[at].max(down[at - 1] + items[above].height + gap(above, id));
    }
    let mut up = wanted.to_vec();
    for at in (0..layer.len().saturating_sub(1)).rev() {
        let (id, below) = (layer[at], layer[at + 1]);
        up[at] = up[at].min(up[at + 1] - items[id].height - gap(id, below));
    }
    for (at, id) in layer.iter().enumerate() {
        top[*id] = f64::midpoint(down[at], up[at]);
    }
}

fn ways(
    items: &[LayoutItem],
    links: &[Link],
    chains: &[Vec<usize>],
    top: &[f64],
    columns: &[(f64, f64)],
) -> Vec<Vec<(f64, f64)>> {
    let mut ways: Vec<Vec<(f64, f64)>> = links
        .iter()
        .zip(chains)
        .map(|(link, chain)| {
            let (x, width) = columns[items[link.from].layer];
            let mut points = vec![(x + width, top[link.from] + link.below)];
            for id in &chain[1..chain.len() - 1] {
                let (x, width) = columns[items[*id].layer];
                let y = top[*id] + PASS / 2.0;
                points.extend([(x, y), (x + width, y)]);
            }
            points
        })
        .collect();
    // The ends at a box stand in the order of the heights from which they come.
    let mut into: Vec<Vec<usize>> = vec![Vec::new(); items.len()];
    for (number, link) in links.iter().enumerate() {
        into[link.to].push(number);
    }
    for (id, mut ends) in into.into_iter().enumerate() {
        ends.sort_by(|a, b| {
            ways[*a]
                .last()
                .map(|it| it.1)
                .partial_cmp(&ways[*b].last().map(|it| it.1))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let step = items[id].height / index(ends.len() + 1);
        for (at, number) in ends.into_iter().enumerate() {
            ways[number].push((columns[items[id].layer].0, top[id] + step * index(at + 1)));
        }
    }
    ways
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn index(at: usize) -> f64 {
    at as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(layer: usize, height: f64) -> Size {
        let width = 100.0;
        Size { layer, width, height }
    }

    fn link(from: usize, to: usize) -> Link {
        Link { from, below: 10.0, to }
    }

    #[test]
    fn ways_that_need_not_cross_do_not() {
        // Two pairs, the second layer in the wrong order at first.
        let sizes = [size(0, 20.0), size(0, 20.0), size(1, 20.0), size(1, 20.0)];
        let layout = lay_out(&sizes, &[link(0, 3), link(1, 2)]);
        let top = |at: usize| layout.boxes[at].1;
        assert_eq!(top(0) < top(1), top(3) < top(2));
        assert!((top(0) - top(3)).abs() < 1e-9, "a straight way: {layout:?}");
    }

    #[test]
    fn boxes_of_a_layer_keep_their_distance_and_a_long_way_goes_between_them() {
        let sizes = [size(0, 40.0), size(1, 40.0), size(1, 40.0), size(2, 40.0)];
        let links = [link(0, 1), link(0, 2), link(0, 3), link(1, 3), link(2, 3)];
        let layout = lay_out(&sizes, &links);
        let passes = layout.ways[2][1].1;
        let mut edges = [layout.boxes[1].1, layout.boxes[2].1];
        edges.sort_by(f64::total_cmp);
        assert!(edges[1] - edges[0] >= 40.0 + BOX_GAP, "{layout:?}");
        let outside = |top: f64| passes <= top - PASS || passes >= top + 40.0 + PASS;
        assert!(edges.into_iter().all(outside), "{layout:?}");
        assert!(layout.boxes.iter().all(|it| it.1 >= MARGIN - 1e-9), "{layout:?}");
    }

    #[test]
    fn crossings_are_counted() {
        let (items, _) = items(
            &[size(0, 20.0), size(0, 20.0), size(1, 20.0), size(1, 20.0)],
            &[link(0, 3), link(1, 2), link(0, 2)],
        );
        let layers = [vec![0, 1], vec![2, 3]];
        assert_eq!(crossings(&items, &layers, &[0.0, 1.0, 0.0, 1.0]), 1);
    }
}
