//! What hangs together in a picture: runs of pixels in its rows, joined where they touch those of
//! the row above, corners too.

/// A stretch of a row, its end exclusive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Run {
    pub(super) begin: usize,
    pub(super) end: usize,
}

/// What is kept of a component.
pub(super) trait Component<P>: Default {
    /// Adds a run of a row, with its pixels.
    fn add(&mut self, row: usize, run: Run, pixels: &[P]);

    /// Takes in one that turned out to be the same.
    fn absorb(&mut self, other: Self);
}

/// The components of the pixels that are meant, in the order of their first runs; `None` where
/// there are more than `count_max` beginnings of such. Of those that were absorbed the default
/// stays.
pub(super) fn components<P, C: Component<P>>(
    pixels: &[P],
    width: usize,
    is_meant: impl Fn(&P) -> bool,
    count_max: usize,
) -> Option<Vec<C>> {
    let mut parents: Vec<usize> = Vec::new();
    let mut found: Vec<C> = Vec::new();
    // Runs of the row above, each with its component.
    let mut above: Vec<(Run, usize)> = Vec::new();
    let mut roots = Vec::new();
    for (y, row) in pixels.chunks_exact(width.max(1)).enumerate() {
        let mut here = Vec::with_capacity(above.len());
        for run in runs(row, &is_meant) {
            let first = above.partition_point(|(it, _)| it.end < run.begin);
            let touching = above[first..].iter().take_while(|(it, _)| it.begin <= run.end);
            roots.clear();
            roots.extend(touching.map(|(_, component)| root(&mut parents, *component)));
            let mut joined = None;
            for it in &roots {
                let kept = *joined.get_or_insert(*it);
                let it = root(&mut parents, *it);
                if it != kept {
                    parents[it] = kept;
                    let gone = std::mem::take(&mut found[it]);
                    found[kept].absorb(gone);
                }
            }
            let component = match joined {
                Some(component) => component,
                None if found.len() == count_max => return None,
                None => {
                    parents.push(parents.len());
                    found.push(C::default());
                    parents.len() - 1
                }
            };
            found[component].add(y, run, &row[run.begin..run.end]);
            here.push((run, component));
        }
        above = here;
    }
    Some(found)
}

/// The runs of a row.
fn runs<P>(row: &[P], is_meant: impl Fn(&P) -> bool) -> impl Iterator<Item = Run> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let begin = at + row[at..].iter().position(&is_meant)?;
        let rest = &row[begin..];
        at = begin + rest.iter().position(|pixel| !is_meant(pixel)).unwrap_or(rest.len());
        Some(Run { begin, end: at })
    })
}

/// The component into which one was absorbed; the way to it is shortened.
fn root(parents: &mut [usize], mut component: usize) -> usize {
    while parents[component] != component {
        parents[component] = parents[parents[component]];
        component = parents[component];
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its pixels.
    #[derive(Default)]
    struct Count(usize);

    impl Component<u8> for Count {
        fn add(&mut self, _row: usize, _run: Run, pixels: &[u8]) {
            self.0 += pixels.len();
        }

        fn absorb(&mut self, other: Count) {
            self.0 += other.0;
        }
    }

    fn counts(rows: &[&str], count_max: usize) -> Option<Vec<usize>> {
        let width = rows.first().map_or(0, |row| row.len());
        let pixels = rows.concat().into_bytes();
        let found = components::<u8, Count>(&pixels, width, |pixel| *pixel == b'#', count_max)?;
        Some(found.into_iter().map(|it| it.0).filter(|count| *count > 0).collect())
    }

    #[test]
    fn what_touches_is_one_and_corners_touch() {
        let rows = ["#  ##", " #   ", "   ##", "#    "];
        assert_eq!(counts(&rows, 9), Some(vec![2, 2, 2, 1]));
        assert_eq!(counts(&["# #", "# #", "###", "   ", "# #"], 9), Some(vec![7, 1, 1]));
        assert_eq!(counts(&["#####"], 9), Some(vec![5]));
        assert_eq!(counts(&[], 9), Some(vec![]));
    }

    #[test]
    fn too_many_are_not_looked_at() {
        assert_eq!(counts(&["# # #"], 3), Some(vec![1, 1, 1]));
        assert_eq!(counts(&["# # #"], 2), None);
    }
}
