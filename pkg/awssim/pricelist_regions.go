package awssim

// pricedRegions are those beside us-east-1 that have prices for the sizes of the fleets. São Paulo is not
// among them: the source does not have it, and so what runs there is of unknown cost.
var pricedRegions = [...]string{"us-east-2", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2", "ap-northeast-1"}

// regionalPrices are the sizes of the fleets in those regions: the column Price of the table of SkyPilot,
// which it makes from AWS's offer files every day. Its figures for us-east-1 are those of karpenter, and
// its two for eu-west-1 that were recorded (t3.micro and m5.xlarge) are those of the recording, which has
// their SKUs and is what is listed.
func regionalPrices() []Listed {
	const skypilot = "https://github.com/skypilot-org/skypilot-catalog/blob/e385a0d348eda9cefd9806423e7725944dc249e4/catalogs/v8/aws/vms.csv"
	var all []Listed
	for _, row := range []struct {
		size   string
		prices [len(pricedRegions)]string // in their order; none: it is listed elsewhere
	}{
		{"t3.micro", [...]string{"0.0104000000", "0.0104000000", "", "0.0120000000", "0.0132000000", "0.0136000000"}},
		{"t3.small", [...]string{"0.0208000000", "0.0208000000", "0.0228000000", "0.0240000000", "0.0264000000", "0.0272000000"}},
		{"t3.medium", [...]string{"0.0416000000", "0.0416000000", "0.0456000000", "0.0480000000", "0.0528000000", "0.0544000000"}},
		{"m5.large", [...]string{"0.0960000000", "0.0960000000", "0.1070000000", "0.1150000000", "0.1200000000", "0.1240000000"}},
		{"m5.xlarge", [...]string{"0.1920000000", "0.1920000000", "", "0.2300000000", "0.2400000000", "0.2480000000"}},
		{"m6i.large", [...]string{"0.0960000000", "0.0960000000", "0.1070000000", "0.1150000000", "0.1200000000", "0.1240000000"}},
		{"m6g.large", [...]string{"0.0770000000", "0.0770000000", "0.0860000000", "0.0920000000", "0.0960000000", "0.0990000000"}},
		{"c5.large", [...]string{"0.0850000000", "0.0850000000", "0.0960000000", "0.0970000000", "0.1110000000", "0.1070000000"}},
		{"c5.4xlarge", [...]string{"0.6800000000", "0.6800000000", "0.7680000000", "0.7760000000", "0.8880000000", "0.8560000000"}},
		{"r5.large", [...]string{"0.1260000000", "0.1260000000", "0.1410000000", "0.1520000000", "0.1510000000", "0.1520000000"}},
	} {
		for i, price := range row.prices {
			if price != "" {
				all = append(all, listedInstance(pricedRegions[i], row.size, price, skypilot))
			}
		}
	}
	return all
}
