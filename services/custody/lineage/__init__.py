"""From a lot back to its trees and forward again, with proof."""
