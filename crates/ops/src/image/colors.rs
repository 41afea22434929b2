//! The few colours that a picture is mostly made of.
//!
//! Colours are told apart in Oklab (B. Ottosson, 2020), where equal distances look equal. The
//! picture is scaled down, its colours are split in two where they differ most until there are
//! enough groups, the groups settle by k-means, and those that look the same become one. Nothing is
//! left to chance: the same picture has the same colours.

use super::picture::{Layout, Picture};
use super::scale::squeeze;
use serde::{Serialize, Serializer};
use windlass_core::Failure;

/// Pixels of a side that are looked at.
const SIDE_MAX: u32 = 96;
/// Groups that are looked for.
const GROUP_COUNT: usize = 8;
/// Rounds of k-means; more move nothing that shows.
const ROUND_COUNT: usize = 8;
/// Groups nearer than this look the same.
const SAME_DISTANCE: f64 = 0.08;
/// Groups smaller than this share are not named.
const SHARE_MIN: f64 = 0.01;
/// What is more transparent does not count.
const ALPHA_MIN: u8 = 128;

/// A colour and how much of the picture it makes up.
#[derive(Clone, Copy, PartialEq, Serialize, Debug)]
pub(super) struct Color {
    /// `#rrggbb` in JSON.
    #[serde(serialize_with = "as_hex")]
    pub(super) color: [u8; 3],
    /// 0 to 1, of all pixels that are not transparent.
    #[serde(serialize_with = "rounded")]
    pub(super) share: f64,
}

fn as_hex<S: Serializer>(color: &[u8; 3], to: S) -> Result<S::Ok, S::Error> {
    let [red, green, blue] = color;
    to.serialize_str(&format!("#{red:02x}{green:02x}{blue:02x}"))
}

fn rounded<S: Serializer>(share: &f64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64((share * 1e4).round() / 1e4)
}

/// At most eight, the largest share first; none of a picture that is all transparent.
pub(super) fn dominant(picture: &Picture) -> Result<Vec<Color>, Failure> {
    let (width, height) = (picture.width.min(SIDE_MAX), picture.height.min(SIDE_MAX));
    let small = squeeze(picture, width, height)?;
    let points: Vec<Lab> = match small.layout {
        Layout::Grey => small.bytes.iter().map(|level| Lab::of([*level; 3])).collect(),
        Layout::Rgb => small.bytes.as_chunks().0.iter().map(|pixel| Lab::of(*pixel)).collect(),
        Layout::Rgba => {
            let pixels = small.bytes.as_chunks::<4>().0.iter();
            let seen = pixels.filter(|pixel| pixel[3] >= ALPHA_MIN);
            seen.map(|[red, green, blue, _]| Lab::of([*red, *green, *blue])).collect()
        }
    };
    let groups = merged(settled(&points, split(&points)));
    let all = points.len() as f64;
    let mut colors: Vec<Color> = groups
        .iter()
        .map(|group| Color { color: group.mean().to_rgb(), share: group.count / all })
        .filter(|color| color.share >= SHARE_MIN)
        .collect();
    colors.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.color.cmp(&b.color)));
    Ok(colors)
}

/// The centres of groups of points: the widest group is cut at its mean until there are enough.
fn split(points: &[Lab]) -> Vec<Lab> {
    let mut groups: Vec<Vec<Lab>> = vec![points.to_vec()];
    while groups.len() < GROUP_COUNT {
        let spreads = groups.iter().map(|group| spread(group)).enumerate();
        let Some((widest, (spread, axis))) = spreads.max_by(|a, b| a.1.0.total_cmp(&b.1.0)) else {
            break;
        };
        if spread <= 0.0 {
            break;
        }
        let group = groups.swap_remove(widest);
        let mean = Group::of(&group).mean().0[axis];
        let (low, high): (Vec<Lab>, Vec<Lab>) =
            group.into_iter().partition(|point| point.0[axis] < mean);
        // Rounding alone can put all points on one side: then they are all but equal.
        let is_split = !low.is_empty() && !high.is_empty();
        groups.extend([low, high].into_iter().filter(|side| !side.is_empty()));
        if !is_split {
            break;
        }
    }
    groups.iter().filter(|group| !group.is_empty()).map(|group| Group::of(group).mean()).collect()
}

/// The largest sum of squared distances from the mean along one axis, and that axis.
fn spread(group: &[Lab]) -> (f64, usize) {
    let mean = Group::of(group).mean();
    let along =
        |axis: usize| group.iter().map(|point| (point.0[axis] - mean.0[axis]).powi(2)).sum::<f64>();
    let axes = (0..3).map(|axis| (along(axis), axis));
    axes.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, 0))
}

/// Each point goes to the nearest centre, each centre to the mean of its points.
fn settled(points: &[Lab], mut centres: Vec<Lab>) -> Vec<Group> {
    let mut groups = Vec::new();
    for _ in 0..ROUND_COUNT {
        groups = vec![Group::default(); centres.len()];
        for point in points {
            let distances = centres.iter().map(|centre| centre.distance(*point)).enumerate();
            if let Some((nearest, _)) = distances.min_by(|a, b| a.1.total_cmp(&b.1)) {
                groups[nearest].add(*point);
            }
        }
        groups.retain(|group| group.count > 0.0);
        centres = groups.iter().map(Group::mean).collect();
    }
    groups
}

/// One group for all that look the same.
fn merged(groups: Vec<Group>) -> Vec<Group> {
    let mut kept: Vec<Group> = Vec::new();
    for group in groups {
        let mean = group.mean();
        match kept.iter_mut().find(|other| other.mean().distance(mean) < SAME_DISTANCE) {
            Some(other) => other.join(&group),
            None => kept.push(group),
        }
    }
    kept
}

/// Points taken together.
#[derive(Clone, Copy, Default, Debug)]
struct Group {
    sum: [f64; 3],
    count: f64,
}

impl Group {
    fn of(points: &[Lab]) -> Group {
        let mut group = Group::default();
        points.iter().for_each(|point| group.add(*point));
        group
    }

    fn add(&mut self, point: Lab) {
        self.join(&Group { sum: point.0, count: 1.0 });
    }

    fn join(&mut self, other: &Group) {
        self.sum = std::array::from_fn(|axis| self.sum[axis] + other.sum[axis]);
        self.count += other.count;
    }

    fn mean(&self) -> Lab {
        Lab(self.sum.map(|sum| sum / self.count))
    }
}

/// A colour in Oklab: lightness 0 to 1, green to red, blue to yellow.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Lab([f64; 3]);

impl Lab {
    /// Of an sRGB colour.
    fn of(color: [u8; 3]) -> Lab {
        let [red, green, blue] = color.map(|channel| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.040_45 {
                channel / 12.92
            } else {
                ((channel + 0.055) / 1.055).powf(2.4)
            }
        });
        let l = 0.412_221_470_8 * red + 0.536_332_536_3 * green + 0.051_445_992_9 * blue;
        let m = 0.211_903_498_2 * red + 0.680_699_545_1 * green + 0.107_396_956_6 * blue;
        let s = 0.088_302_461_9 * red + 0.281_718_837_6 * green + 0.629_978_700_5 * blue;
        let [l, m, s] = [l, m, s].map(f64::cbrt);
        Lab([
            0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
            1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
            0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
        ])
    }

    fn to_rgb(self) -> [u8; 3] {
        let [lightness, a, b] = self.0;
        let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
        let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
        let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
        let linear = [
            4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
            -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
            -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
        ];
        linear.map(|channel| {
            let channel = if channel <= 0.003_130_8 {
                channel * 12.92
            } else {
                1.055 * channel.powf(1.0 / 2.4) - 0.055
            };
            (channel * 255.0).round().clamp(0.0, 255.0) as u8
        })
    }

    fn distance(self, other: Lab) -> f64 {
        let squares = self.0.iter().zip(other.0).map(|(a, b)| (a - b).powi(2));
        squares.sum::<f64>().sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_comes_back_from_oklab() {
        for step in 0..=0x00ff_ffff_u32 / 4_099 {
            let [_, red, green, blue] = (step * 4_099).to_be_bytes();
            assert_eq!(Lab::of([red, green, blue]).to_rgb(), [red, green, blue]);
        }
    }

    #[test]
    fn the_colours_of_a_flag_are_found_with_their_shares() {
        let stripes = [([200, 16, 46], 60), ([255, 255, 255], 30), ([0, 33, 104], 10)];
        let rows = stripes.iter().flat_map(|(color, rows)| vec![color.repeat(50); *rows]);
        let bytes = rows.flatten().collect();
        let picture = Picture { width: 50, height: 100, layout: Layout::Rgb, bytes };
        let found = dominant(&picture).unwrap();
        for ((color, rows), found) in stripes.iter().zip(&found) {
            let off = color.iter().zip(found.color).map(|(a, b)| a.abs_diff(b)).max();
            assert!(off.unwrap() <= 3, "{found:?}");
            assert!((found.share - f64::from(*rows as u8) / 100.0).abs() < 0.03, "{found:?}");
        }
        assert!(found.iter().skip(3).all(|rest| rest.share < 0.03), "{found:?}");
    }

    #[test]
    fn what_is_transparent_has_no_colour() {
        let clear = [9, 200, 30, 0].repeat(16);
        let mut picture = Picture { width: 4, height: 4, layout: Layout::Rgba, bytes: clear };
        assert_eq!(dominant(&picture).unwrap(), []);
        picture.bytes[..4].copy_from_slice(&[250, 10, 10, 255]);
        let found = dominant(&picture).unwrap();
        assert_eq!(found, [Color { color: [250, 10, 10], share: 1.0 }]);
    }
}
