package awssim

// commonTypes are sizes of ordinary instances, without instance storage.
var commonTypes = []string{"t3.small", "t3.medium", "m5.large", "m5.xlarge", "m6i.large", "m6g.large", "c5.large", "r5.large", "c5.4xlarge"}

// instance adds an instance and returns its id.
func (b *builder) instance(what string, i Instance, tags ...string) string {
	i.Tags = b.tags(append([]string{"Name", b.name(what)}, tags...)...)
	if i.Type == "" {
		i.Type = commonTypes[b.draw(len(commonTypes))]
	}
	return b.a.AddInstance(b.region, i)
}

func ordinaryInstance(b *builder) { b.instance("server", Instance{PublicIP: b.draw(4) == 0}) }

// one makes a situation of one instance.
func one(what string, i Instance, tags ...string) situation {
	return situation{what: what, add: func(b *builder) { b.instance(what, i, tags...) }}
}

// instanceSituations are those of instances of no group. The tags of owners are those of
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/amazon-ec2-managed-instances.html and of the
// owners' own guides.
var instanceSituations = []situation{
	{what: "server", add: ordinaryInstance},
	one("public", Instance{PublicIP: true}),
	one("bastion", Instance{Type: "t3.micro", ElasticIP: "203.0.113.7"}),
	variant(one("on-host", Instance{HostID: "h-0a1b2c3d4e5f60718"})),
	one("stopped", Instance{State: stopped}),
	one("impaired", Instance{Impaired: true}),
	one("hibernates", Instance{Hibernates: true}),
	one("stop-protected", Instance{StopProtected: true}),
	one("protected", Instance{}, protectTag, "true"),
	variant(one("protected-empty", Instance{}, protectTag, "")),
	one("not-protected", Instance{}, protectTag, "false"),
	one("switch", Instance{}, switchTag, "true"),

	one("spot-one-time", Instance{Lifecycle: "spot"}),
	one("spot-persistent", Instance{Lifecycle: "spot", Spot: Spot{Persistent: true}}),
	variant(one("spot-in-group", Instance{Lifecycle: "spot", Spot: Spot{Persistent: true, InFleet: true}})),
	variant(one("spot-cancelled", Instance{Lifecycle: "spot", Spot: Spot{Persistent: true, State: "cancelled"}})),
	variant(one("spot-stopped", Instance{Lifecycle: "spot", Spot: Spot{Persistent: true}, State: stopped})),
	one("spot-stopped-by-ec2", Instance{Lifecycle: "spot", Spot: Spot{Persistent: true, ByEC2: true}, State: stopped}),

	one("store-root", Instance{Type: "m3.medium", RootDevice: "instance-store"}),
	one("store-data", Instance{Type: "i3.large"}),

	one("karpenter", Instance{}, "karpenter.sh/nodepool", "default", "karpenter.sh/nodeclaim", "default-x7k2p"),
	one("emr", Instance{}, "aws:elasticmapreduce:job-flow-id", "j-2AXXXXXXGAPLF"),
	one("batch", Instance{}, "AWSBatchServiceTag", "batch"),
	variant(one("fleet", Instance{}, "aws:ec2:fleet-id", "fleet-12a34b55-67cd-8ef9-ba9b-9208dexample")),
	one("spot-fleet", Instance{Lifecycle: "spot"}, "aws:ec2spot:fleet-request-id", "sfr-73fbd2ce-aa30-494c-8788-1cee4example"),
	one("rds-custom-host", Instance{}, "AWSRDSCustom", "custom-oracle"),
	one("operated", Instance{Operator: "eks.amazonaws.com"}),
	one("hidden", Instance{Operator: "ecs.amazonaws.com", Hidden: true}),
}
