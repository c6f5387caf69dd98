//! Numbers of a back-test: one for each window and step.

/// A rectangle of numbers, windows × steps; a window that a model failed on is NaN throughout.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WindowValues {
    steps: usize,
    values: Vec<f64>,
}

impl WindowValues {
    /// An empty rectangle whose windows will have `steps` steps.
    pub fn new(steps: usize) -> Self {
        Self {
            steps,
            values: Vec::new(),
        }
    }

    /// Appends the next window, the oldest cutoff first; `None` for one that failed.
    ///
    /// # Panics
    /// If the window has another number of steps.
    pub fn push(&mut self, window: Option<&[f64]>) {
        match window {
            Some(window) => {
                assert_eq!(window.len(), self.steps, "internal error: a window of another horizon");
                self.values.extend(window);
            }
            None => self.values.resize(self.values.len() + self.steps, f64::NAN),
        }
    }

    /// How many steps each window has: the horizon.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The windows, the oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> + Clone {
        self.values.chunks_exact(self.steps.max(1))
    }

    /// How many windows there are.
    pub fn len(&self) -> usize {
        self.iter().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The window at a position, counted from the oldest.
    pub fn window(&self, at: usize) -> &[f64] {
        &self.values[at * self.steps..(at + 1) * self.steps]
    }

    /// Whether the window at a position has a finite number for each step.
    pub fn is_whole(&self, at: usize) -> bool {
        self.window(at).iter().all(|value| value.is_finite())
    }
}
