//! Complex numbers, as far as transfer functions need them.

/// A real and an imaginary part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Complex(pub(super) f64, pub(super) f64);

impl Complex {
    /// The number of a length and an angle.
    pub(super) fn polar(length: f64, angle: f64) -> Self {
        Self(length * angle.cos(), length * angle.sin())
    }

    pub(super) fn plus(self, real: f64) -> Self {
        Self(self.0 + real, self.1)
    }

    pub(super) fn add(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1)
    }

    pub(super) fn times(self, other: Self) -> Self {
        Self(self.0 * other.0 - self.1 * other.1, self.0 * other.1 + self.1 * other.0)
    }

    pub(super) fn conjugate(self) -> Self {
        Self(self.0, -self.1)
    }

    pub(super) fn inverse(self) -> Self {
        let square = self.0 * self.0 + self.1 * self.1;
        Self(self.0 / square, -self.1 / square)
    }

    pub(super) fn size(self) -> f64 {
        self.0.hypot(self.1)
    }
}
