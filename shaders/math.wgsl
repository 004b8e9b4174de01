// Accurate functions.
