"""What other tools' analyses become in deliver.yaml: Argo Rollouts' AnalysisTemplates and Rollouts, Flagger's Canaries and MetricTemplates.

convert.py is the entry. expression.py reads the usual PromQL, metric.py makes a metric of it, argo.py and flagger.py know the objects,
deliver_yaml.py writes the file.
What cannot be taken over is said, each with its reason. Pure: text in, text out.
"""
