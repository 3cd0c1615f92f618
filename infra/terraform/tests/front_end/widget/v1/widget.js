// The loader, as a build leaves it; the tests look at names only.
