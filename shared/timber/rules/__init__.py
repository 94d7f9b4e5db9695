"""The rules: plain functions from facts to an ``Outcome``. Thresholds come in as a ``Rule`` of the norms of the day.

``custody`` looks at trees and logs, ``balance`` at volumes by line, ``transport`` at guides, ``mill`` at yields. None
of them refuses anything: refusing is the door's work, in ``shared.timber.chain``.
"""
