//! Rectangles at any angle, about the letters of a line.

/// A rectangle with the direction in which its text runs. Pixels; angles turn clockwise, as rows
/// count downwards.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Slanted {
    /// Its middle.
    pub(super) x: f64,
    pub(super) y: f64,
    /// Direction of its text: 0 runs to the right, a quarter down.
    pub(super) radians: f64,
    /// Along the text.
    pub(super) width: f64,
    /// Across it.
    pub(super) height: f64,
}

impl Slanted {
    /// The smallest rectangle about points, its text within 45 degrees of running to the right;
    /// `None` without points.
    ///
    /// One side of it lies on a side of the points' hull (H. Freeman and R. Shapira, "Determining
    /// the minimum-area encasing rectangle for an arbitrary closed curve", 1975).
    pub(super) fn around(points: &mut Vec<(f64, f64)>) -> Option<Slanted> {
        let hull = hull(points);
        let first = *hull.first()?;
        let next = hull.iter().cycle().skip(1);
        let sides = hull.iter().zip(next).map(|(from, to)| (to.0 - from.0, to.1 - from.1));
        let flat = std::iter::once((1.0, 0.0));
        let directions = sides.filter(|(x, y)| x.hypot(*y) > 0.0).chain(flat);
        let best = directions
            .map(|(x, y)| Slanted::along(&hull, y.atan2(x), first))
            .min_by(|a, b| (a.width * a.height).total_cmp(&(b.width * b.height)))?;
        Some(best.lying())
    }

    /// The rectangle about points whose sides have a direction.
    fn along(points: &[(f64, f64)], radians: f64, first: (f64, f64)) -> Slanted {
        let (sin, cos) = radians.sin_cos();
        let mut bounds = [f64::MAX, f64::MIN, f64::MAX, f64::MIN];
        for (x, y) in points {
            let (x, y) = (x - first.0, y - first.1);
            let (along, across) = (x * cos + y * sin, y * cos - x * sin);
            bounds[0] = bounds[0].min(along);
            bounds[1] = bounds[1].max(along);
            bounds[2] = bounds[2].min(across);
            bounds[3] = bounds[3].max(across);
        }
        let [left, right, top, bottom] = bounds;
        let (along, across) = (f64::midpoint(left, right), f64::midpoint(top, bottom));
        Slanted {
            x: first.0 + along * cos - across * sin,
            y: first.1 + along * sin + across * cos,
            radians,
            width: right - left,
            height: bottom - top,
        }
    }

    /// The same rectangle, its text within 45 degrees of running to the right.
    fn lying(self) -> Slanted {
        let quarters = (self.radians / std::f64::consts::FRAC_PI_2).round();
        let radians = self.radians - quarters * std::f64::consts::FRAC_PI_2;
        let (width, height) = match quarters % 2.0 == 0.0 {
            true => (self.width, self.height),
            false => (self.height, self.width),
        };
        Slanted { radians, width, height, ..self }
    }

    /// The same rectangle, its text running a quarter further clockwise.
    pub(super) fn quartered(self) -> Slanted {
        Slanted {
            radians: self.radians + std::f64::consts::FRAC_PI_2,
            width: self.height,
            height: self.width,
            ..self
        }
    }

    /// The same part of a picture that is scaled by these factors. They are nearly alike, so that
    /// it stays a rectangle.
    pub(super) fn scaled(self, across: f64, down: f64) -> Slanted {
        let (sin, cos) = self.radians.sin_cos();
        let length = |x: f64, y: f64| (x * across).hypot(y * down);
        Slanted {
            x: self.x * across,
            y: self.y * down,
            radians: (sin * down).atan2(cos * across),
            width: self.width * length(cos, sin),
            height: self.height * length(sin, cos),
        }
    }

    /// Larger by `by` on all four sides.
    pub(super) fn grown(self, by: f64) -> Slanted {
        Slanted { width: self.width + 2.0 * by, height: self.height + 2.0 * by, ..self }
    }

    /// The point so far along the text from its beginning and so far down from its upper side.
    pub(super) fn point(&self, along: f64, down: f64) -> (f64, f64) {
        let (sin, cos) = self.radians.sin_cos();
        let (along, down) = (along - self.width / 2.0, down - self.height / 2.0);
        (self.x + along * cos - down * sin, self.y + along * sin + down * cos)
    }

    /// Left, top, right and bottom of its part from `from` to `to` along the text.
    pub(super) fn bounds(&self, from: f64, to: f64) -> [f64; 4] {
        let ends = [(from, 0.0), (to, 0.0), (from, self.height), (to, self.height)];
        let corners = ends.map(|(along, down)| self.point(along, down));
        let fold = |of: fn(&(f64, f64)) -> f64, least: bool| {
            let values = corners.iter().map(of);
            if least { values.fold(f64::MAX, f64::min) } else { values.fold(f64::MIN, f64::max) }
        };
        [
            fold(|it| it.0, true),
            fold(|it| it.1, true),
            fold(|it| it.0, false),
            fold(|it| it.1, false),
        ]
    }
}

/// The convex hull, counterclockwise as seen with rows counted upwards (A. M. Andrew, "Another
/// efficient algorithm for convex hulls in two dimensions", 1979). Sorts the points.
fn hull(points: &mut Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    points.dedup();
    if points.len() < 3 {
        return points.clone();
    }
    let turns = |a: (f64, f64), b: (f64, f64), c: (f64, f64)| {
        (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)
    };
    let half = |points: &mut dyn Iterator<Item = (f64, f64)>| {
        let mut chain: Vec<(f64, f64)> = Vec::new();
        for point in points {
            while let [.., a, b] = chain[..] {
                if turns(a, b, point) > 0.0 {
                    break;
                }
                chain.pop();
            }
            chain.push(point);
        }
        // The last one begins the other half.
        chain.pop();
        chain
    };
    let mut hull = half(&mut points.iter().copied());
    hull.extend(half(&mut points.iter().rev().copied()));
    hull
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6
    }

    #[test]
    fn a_turned_rectangle_is_found_by_its_points() {
        for degrees in [-40.0_f64, -10.0, 0.0, 3.0, 30.0, 44.0] {
            let made = Slanted {
                x: 50.0,
                y: 30.0,
                radians: degrees.to_radians(),
                width: 40.0,
                height: 8.0,
            };
            let steps = (0..=40).flat_map(|along| (0..=8).map(move |down| (along, down)));
            let mut points: Vec<(f64, f64)> =
                steps.map(|(along, down)| made.point(along.into(), down.into())).collect();
            let found = Slanted::around(&mut points).expect("points");
            assert!(near(found.x, 50.0) && near(found.y, 30.0), "{found:?}");
            assert!(near(found.width, 40.0) && near(found.height, 8.0), "{found:?}");
            assert!(near(found.radians, made.radians), "{found:?}");
        }
    }

    #[test]
    fn text_that_stands_lies_after_a_quarter() {
        let mut points = vec![(0.0, 0.0), (4.0, 0.0), (4.0, 50.0), (0.0, 50.0)];
        let found = Slanted::around(&mut points).expect("points");
        assert!(near(found.width, 4.0) && near(found.height, 50.0) && near(found.radians, 0.0));
        let down = found.quartered();
        assert!(near(down.width, 50.0) && near(down.height, 4.0));
        // Its text begins at the top, and the tops of its letters look to the right.
        let (x, y) = down.point(0.0, 0.0);
        assert!(near(x, 4.0) && near(y, 0.0), "{x} {y}");
        assert_eq!(found.grown(1.0).bounds(0.0, 6.0).map(f64::round), [-1.0, -1.0, 5.0, 51.0]);
    }

    #[test]
    fn few_points_have_a_rectangle_too() {
        assert_eq!(Slanted::around(&mut Vec::new()), None);
        let dot = Slanted::around(&mut vec![(3.0, 4.0)]).expect("a point");
        assert!(near(dot.x, 3.0) && near(dot.y, 4.0) && near(dot.width, 0.0));
        let line = Slanted::around(&mut vec![(0.0, 0.0), (6.0, 0.0)]).expect("points");
        assert!(near(line.width, 6.0) && near(line.height, 0.0));
    }
}
