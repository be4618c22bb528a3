"""The real control plane: etcd, two kube-apiservers and their controllers, as child processes of the lab."""
