package killswitch

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Product is one line of AWS's price list, by the attributes that select it. What an attribute's
// value can say beside a plain value is pkg/pricing's to explain; the words are AWS's.
type Product struct {
	Service    string // code in the price list: "AmazonEC2"
	Region     string
	Attributes map[string]string
}

// String is the product on one line, the same for equal products: "AmazonEC2/eu-west-1/" and its
// attributes by name, "instanceType=m5.large,operation=RunInstances". It is also how a product is
// stored, since every item of a snapshot carries some.
func (p Product) String() string {
	var b strings.Builder
	b.WriteString(p.Service + "/" + p.Region + "/")
	for i, name := range slices.Sorted(maps.Keys(p.Attributes)) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(escapeAttribute.Replace(name) + "=" + escapeAttribute.Replace(p.Attributes[name]))
	}
	return b.String()
}

// A comma and a percent sign do not stand for themselves inside a value, nor an equals sign in a
// name.
var (
	escapeAttribute   = strings.NewReplacer("%", "%25", ",", "%2C", "=", "%3D")
	unescapeAttribute = strings.NewReplacer("%25", "%", "%2C", ",", "%3D", "=")
)

// MarshalText writes the product as String does.
func (p Product) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote, and nothing else. Equal products share their attributes.
func (p *Product) UnmarshalText(text []byte) (err error) {
	*p, err = sharedProducts.of(text, func() (Product, error) { return parseProduct(string(text)) })
	return err
}

func parseProduct(text string) (Product, error) {
	parts := strings.SplitN(text, "/", 3)
	if len(parts) != 3 || parts[0] == "" {
		return Product{}, fmt.Errorf("product %q: want service/region/attributes", text)
	}
	p := Product{Service: parts[0], Region: parts[1]}
	if parts[2] != "" {
		p.Attributes = map[string]string{}
		for pair := range strings.SplitSeq(parts[2], ",") {
			name, value, ok := strings.Cut(pair, "=")
			if !ok {
				return Product{}, fmt.Errorf("product %q: attribute %q has no value", text, pair)
			}
			p.Attributes[unescapeAttribute.Replace(name)] = unescapeAttribute.Replace(value)
		}
	}
	if p.String() != text {
		return Product{}, fmt.Errorf("product %q: not as this program writes it", text)
	}
	return p, nil
}

// Usage is what a resource consumes of a product while it runs.
type Usage struct {
	Product  Product `json:"product"`
	Quantity float64 `json:"quantity"`       // units at a time: instances, vCPUs, gigabytes
	Kept     bool    `json:"kept,omitempty"` // goes on to cost while the resource is paused
	// Why says that the quantity is not known, and for what reason. Its dollars then are not known.
	Why string `json:"unknown,omitempty"`
}

// Check says what is wrong with a usage that was stored.
func (u Usage) Check() error {
	switch {
	case u.Product.Service == "":
		return errors.New("a usage names no product")
	case !(u.Quantity >= 0) || u.Quantity > 1e9: // also NaN
		return fmt.Errorf("usage of %s: the quantity is %v", u.Product, u.Quantity)
	}
	return nil
}

// Sum adds up what is of the same product, in the order of products, so that the usage of a group of
// three hundred equal members is one. What is of no quantity is left out. Equal sums are one list.
func Sum(uses ...Usage) Uses {
	sums := map[string]Usage{}
	for _, u := range uses {
		if u.Quantity == 0 && u.Why == "" {
			continue
		}
		key := fmt.Sprint(u.Product, " ", u.Kept, " ", u.Why)
		u.Quantity += sums[key].Quantity
		sums[key] = u
	}
	var all Uses
	for _, key := range slices.Sorted(maps.Keys(sums)) {
		all = append(all, sums[key])
	}
	return all.Shared()
}

// Dollars is what uses cost in an hour: all of them while the resource runs, and those of them that
// are kept while it is paused. price gives dollars for an hour of one unit of a product, and whether
// it is known. Where something is not known there is no number but the usage that is to blame.
func Dollars(uses []Usage, price func(Product) (dollars float64, ok bool)) (running, kept *float64, unknown *Usage) {
	running, kept = new(float64), new(float64)
	for _, u := range uses {
		each, ok := price(u.Product)
		if !ok || u.Why != "" {
			unknown, running = &u, nil
			if u.Kept {
				kept = nil
			}
			continue
		}
		if running != nil {
			*running += each * u.Quantity
		}
		if u.Kept && kept != nil {
			*kept += each * u.Quantity
		}
	}
	return running, kept, unknown
}

// Residual is something that costs by the hour and has no pause: a volume, an address, a gateway, a
// load balancer, the storage of a database that is stopped.
type Residual struct {
	Ref  Ref     `json:"ref"`
	Name string  `json:"name,omitempty"`
	Type string  `json:"type,omitempty"`
	Uses []Usage `json:"uses,omitempty"`
}

// The kinds of what has no pause. They are kinds of reports alone: no service is of them. The storage
// of a stopped database goes by the database's own kind.
const (
	Volume       Kind = "ec2:volume"
	ElasticIP    Kind = "ec2:elastic-ip"
	NATGateway   Kind = "ec2:nat-gateway"
	LoadBalancer Kind = "elasticloadbalancing:loadbalancer"
)
