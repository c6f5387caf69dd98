//! Numbers of a back-test: one for each window and step.

/// A rectangle of numbers, windows × steps; a window that a model failed on is NaN throughout.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct WindowValues {
    steps: usize,
    values: Vec<f64>,
}

impl WindowValues {
    /// An empty rectangle whose windows will have `steps` steps.
    pub(crate) fn new(steps: usize) -> Self {
        Self {
            steps,
            values: Vec::new(),
        }
    }

    /// Appends the next window, the oldest cutoff first; `None` for one that failed.
    ///
    /// # Panics
    /// If the window has another number of steps.
    pub(crate) fn push(&mut self, window: Option<&[f64]>) {
        match window {
            Some(window) => {
                assert_eq!(window.len(), self.steps, "internal error: a window of another horizon");
                self.values.extend(window);
            }
            None => self.values.resize(self.values.len() + self.steps, f64::NAN),
        }
    }

    /// How many steps each window has: the horizon.
    pub(crate) fn steps(&self) -> usize {
        self.steps
    }

    /// The windows, the oldest first.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> + Clone {
        self.values.chunks_exact(self.steps.max(1))
    }

    /// How many windows there are.
    pub(crate) fn len(&self) -> usize {
        self.iter().len()
    }

    /// The window at a position, counted from the oldest.
    pub(crate) fn window(&self, at: usize) -> &[f64] {
        &self.values[at * self.steps..(at + 1) * self.steps]
    }

    /// Whether the window at a position has a finite number for each step.
    pub(crate) fn is_whole(&self, at: usize) -> bool {
        self.window(at).iter().all(|value| value.is_finite())
    }
}
