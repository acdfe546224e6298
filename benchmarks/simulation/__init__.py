"""A simulation of the deployment under loads that no single machine can make.

- limits.py: AWS's published limits, each with its page
- settings.py: what an operator sets, and what fits a load
- traffic.py: who asks for what, and when
- service.py: the deployment, as SimPy processes
- outcome.py: what came of the questions
- report.py, plots.py: the tables and plots of docs/scale.md
- local.py: the same questions, asked of the local deployment
"""
