"""Tests of the whole house behind Envoy."""
