"""Tests of the front ends: their logic in Node.js, their behaviour in Chromium."""
