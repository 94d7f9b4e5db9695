"""Permits: who may cut what, where and until when; every act is announced in the transparency log."""
