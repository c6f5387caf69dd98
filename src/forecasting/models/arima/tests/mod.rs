//! Tests of the ARIMA family.
