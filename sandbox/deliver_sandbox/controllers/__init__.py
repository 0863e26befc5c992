"""What kube-controller-manager, the scheduler and the kubelet do, as far as a release can see it."""
