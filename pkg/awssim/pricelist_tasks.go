package awssim

// taskPrices are Fargate's and what else is in its part of the list: an answer of GetProducts recorded
// on 2022-11-25, whose figures are those of AWS's own file
// https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonECS/20221121182130/us-east-1/index.json.
// Prices of Fargate Spot are in no price list.
func taskPrices() []Listed {
	const offer = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonECS/20221121182130/us-east-1/index.json"
	var all []Listed
	for _, row := range []struct {
		sku, family, usage string
		tiers              []Tier
		other              []string
	}{
		{"8CESGAFWKAJ98PME", "Compute", "USE1-Fargate-vCPU-Hours:perCPU", flat("hours", "0.0404800000"), []string{"cputype", "perCPU"}},
		{"PBZNQUSEXZUC34C9", "Compute", "USE1-Fargate-GB-Hours", flat("hours", "0.0044450000"), []string{"memorytype", "perGB"}},
		{"7KPDPTDSCT4J3Z64", "Compute", "USE1-Fargate-EphemeralStorage-GB-Hours", flat("GB-Hours", "0.0001110000"), []string{"storagetype", "default"}},
		{"XSZATS4VYMDC9CYN", "Compute", "USE1-Fargate-ARM-vCPU-Hours:perCPU", flat("hours", "0.0323800000"), []string{"cputype", "perCPU", "cpuArchitecture", "ARM"}},
		{"UNH9KPQP7W7C66C9", "Compute", "USE1-Fargate-ARM-GB-Hours", flat("hours", "0.0035600000"), []string{"memorytype", "perGB", "cpuArchitecture", "ARM"}},
		{"RF2BUTAD289DREDC", "Compute", "USE1-Fargate-Windows-vCPU-Hours:perCPU", flat("hours", "0.0914800000"), []string{"cputype", "perCPU", "operatingSystem", "Windows"}},
		{"9D3ZWXRS2VXMZET6", "Compute", "USE1-Fargate-Windows-OS-Hours:perCPU", flat("hours", "0.0460000000"), []string{"cputype", "perCPU OS License Fee", "operatingSystem", "Windows"}},
		{"8QDMJPGQCM368Z6X", "Compute", "USE1-Fargate-Windows-GB-Hours", flat("hours", "0.0100500000"), []string{"memorytype", "perGB", "operatingSystem", "Windows"}},
		{"DQ8NT47B7YY2CGC5", "Compute Metering", "USE1-ECS-EC2-vCPU-Hours", flat("vCPU-Hours", "0.0000000000"), []string{"cputype", "perCPU"}},
		{"VUZADW4HBG7NT6R7", "Compute", "USE1-ECS-Anywhere-Instance-hours-WithFree", []Tier{
			{Unit: "hours", Price: "0.0000000000"}, {Unit: "hours", From: 2200, Price: "0.0102500000"},
		}, []string{"externalInstanceType", "With Free", "operation", "AddExternalInstance"}},
		{"WTG8RAG79KP7K3N8", "Compute", "USE1-ECS-Anywhere-Instance-hours", flat("hours", "0.0102500000"), []string{"externalInstanceType", "Default", "operation", "AddExternalInstance"}},
	} {
		pairs := append([]string{"usagetype", row.usage, "servicename", "Amazon Elastic Container Service"}, row.other...)
		all = append(all, Listed{
			SKU: row.sku, Service: "AmazonECS", Family: row.family, Region: "us-east-1", Source: offer, Tiers: row.tiers, Attributes: attributes(pairs...),
		})
	}
	return all
}
