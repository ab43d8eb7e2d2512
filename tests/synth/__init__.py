"""Tests that render: they need the extra `synth` (`make test-synth`)."""
