//! The order in which workers plant bugs.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet, VecDeque},
};

use crate::compile::Build;

/// Bugs that wait for a worker, in groups that need the same builds.
///
/// A worker stays in its group as long as the group has bugs: all that changes between two builds is then the code with the
/// bugs. A worker that needs another group prefers one that no worker is in, so that each dependency is built in few target
/// folders.
#[derive(Debug)]
pub(crate) struct Groups<T> {
    groups: Vec<Group<T>>,
}

#[derive(Debug)]
struct Group<T> {
    builds: Vec<Build>,
    waiting: VecDeque<T>,
    workers: usize,
}

/// A worker's place among the groups.
#[derive(Debug, Default)]
pub(crate) struct Member {
    group: Option<usize>,
    /// What the worker has built before.
    built: HashSet<Build>,
}

impl<T> Groups<T> {
    /// Groups bugs by their builds. In a group, bugs stay in the order in which they are given.
    pub(crate) fn new(bugs: impl IntoIterator<Item = (Vec<Build>, T)>) -> Self {
        let mut groups = BTreeMap::<_, VecDeque<T>>::new();
        for (builds, bug) in bugs {
            groups.entry(builds).or_default().push_back(bug);
        }
        Self { groups: groups.into_iter().map(|(builds, waiting)| Group { builds, waiting, workers: 0 }).collect() }
    }

    /// Takes the next bug for the worker of `member`.
    pub(crate) fn next(&mut self, member: &mut Member) -> Option<T> {
        if let Some(bug) = member.group.and_then(|group| self.groups[group].waiting.pop_front()) {
            return Some(bug);
        }
        if let Some(group) = member.group.take() {
            self.groups[group].workers -= 1;
        }
        let (index, group) =
            self.groups.iter_mut().enumerate().filter(|(_, group)| !group.waiting.is_empty()).min_by_key(
                |(_, group)| {
                    let unbuilt = group.builds.iter().filter(|&build| !member.built.contains(build)).count();
                    (group.workers, unbuilt, Reverse(group.waiting.len()))
                },
            )?;
        group.workers += 1;
        member.group = Some(index);
        member.built.extend(group.builds.iter().cloned());
        group.waiting.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(package: &str) -> Build {
        Build { package: package.to_owned(), is_loom: false, target: "it".to_owned() }
    }

    fn groups() -> Groups<u32> {
        let (a, b) = (vec![build("a")], vec![build("a"), build("b")]);
        Groups::new([(a.clone(), 1), (b.clone(), 11), (a.clone(), 2), (a, 3), (b, 12)])
    }

    #[test]
    fn each_bug_is_taken_once() {
        let (mut groups, mut member) = (groups(), Member::default());
        let mut taken: Vec<_> = std::iter::from_fn(|| groups.next(&mut member)).collect();
        taken.sort_unstable();
        assert_eq!(taken, [1, 2, 3, 11, 12]);
    }

    #[test]
    fn workers_begin_in_different_groups_and_stay_there() {
        let (mut groups, mut one, mut other) = (groups(), Member::default(), Member::default());
        assert_eq!(groups.next(&mut one), Some(1));
        assert_eq!(groups.next(&mut other), Some(11));
        assert_eq!(groups.next(&mut one), Some(2));
        assert_eq!(groups.next(&mut other), Some(12));
    }

    #[test]
    fn a_worker_without_a_group_joins_another() {
        let (mut groups, mut one, mut other) = (groups(), Member::default(), Member::default());
        assert_eq!((groups.next(&mut one), groups.next(&mut other)), (Some(1), Some(11)));
        assert_eq!((groups.next(&mut other), groups.next(&mut other)), (Some(12), Some(2)));
        assert_eq!((groups.next(&mut one), groups.next(&mut one), groups.next(&mut other)), (Some(3), None, None));
    }
}
