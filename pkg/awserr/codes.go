package awserr

// codesByClass holds the codes whose class is certain. Names are without "Exception" and "Fault".
// Sources: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, the error
// sections of the operations in the API references of RDS, Amazon ECS, EC2 Auto Scaling and
// Application Auto Scaling, and the throttle codes of the SDK's standard retryer.
var codesByClass = map[Class][]string{
	Throttled: {
		"Throttling", "Throttled", "ThrottledRequest", "RequestThrottled", "RequestLimitExceeded",
		"RateExceeded", "TooManyRequests", "EC2Throttled", "BandwidthLimitExceeded", "SlowDown",
		"PriorRequestNotComplete", "ProvisionedThroughputExceeded",
	},
	Transient: {
		"InternalError", "InternalFailure", "InternalService", "InternalServerError", "InternalServer",
		"Internal", "Server", "ServiceUnavailable", "Unavailable", "RequestTimeout", "RequestTimedOut",
		"RequestExpired",                                                 // sent too late: the clock of the next try is read anew
		"InvalidNextToken", "InvalidPaginationToken", "ExpiredNextToken", // a listing begins again
	},
	Denied: {
		"AccessDenied", "UnauthorizedOperation", "Unauthorized", "NotAuthorized", "AuthFailure",
		"AuthorizationError", "OptInRequired", "SubscriptionRequired", "PendingVerification", "Blocked",
		"UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId", "InvalidGrant",
		"ExpiredToken", "RequestTimeTooSkewed", "SignatureDoesNotMatch", "InvalidSignature",
		"IncompleteSignature", "MissingAuthenticationToken",
		// Application Auto Scaling may not do for us what the caller may not do itself.
		"FailedResourceAccess",
	},
	Gone: {
		"InvalidInstanceID.NotFound", "DBInstanceNotFound", "DBClusterNotFound",
		"ServiceNotFound", "ClusterNotFound", "ObjectNotFound", "ResourceNotFound",
		"ServiceNotActive", // a service of ECS is inactive once it was deleted
	},
	Busy: {
		"IncorrectInstanceState", "IncorrectState",
		"InvalidDBInstanceState", "InvalidDBClusterState", "InvalidDBShardGroupState",
		"InvalidDBCapacityReservationState", "DBInstanceNotReady",
		"ResourceInUse", "ResourceContention", "ScalingActivityInProgress", "InstanceRefreshInProgress",
		"IdempotentCallInProgress", "ServiceLinkedRoleFailure", // the role "is not yet ready for use"
		"ConcurrentUpdate", "UpdateInProgress", "Conflict",
		"TransactionConflict", "TransactionInProgress",
	},
	NoCapacity: {
		"InsufficientInstanceCapacity", "InsufficientCapacity", "InsufficientHostCapacity",
		"InsufficientCapacityOnHost", "IncompatibleHostRequirements", "InsufficientReservedInstanceCapacity",
		"InsufficientFreeAddressesInSubnet", "InsufficientAddressCapacity", "InsufficientVolumeCapacity",
		"InstanceLimitExceeded", "VcpuLimitExceeded", "MaxSpotInstanceCountExceeded",
		"SpotMaxPriceTooLow", "ReservationCapacityExceeded",
		"InsufficientDBInstanceCapacity", "InsufficientDBClusterCapacity", "InsufficientStorageClusterCapacity",
		"InsufficientAvailableIPsInSubnet", "InstanceQuotaExceeded", "StorageQuotaExceeded",
		"SnapshotQuotaExceeded", "DBClusterQuotaExceeded", "ServiceQuotaExceeded",
		// Not the throttle that the SDK takes it for: a quota of ECS and of both Auto Scalings.
		"LimitExceeded", "AttributeLimitExceeded",
	},
	Refused: {
		"UnsupportedOperation", "OperationNotPermitted", "UnsupportedHibernationConfiguration",
		"IncorrectSpotRequestState", "InvalidHostState",
		"InvalidInstanceID.Malformed", // our own mistake, and no evidence of a deletion
		"InvalidParameter", "InvalidParameterValue", "InvalidParameterCombination", "InvalidRequest",
		"MissingParameter", "Validation", "ValidationError", "InvalidAction", "UnknownOperation",
		// Too many in one call: halving the batch helps, waiting does not.
		"ResourceCountExceeded",
		"KMSKeyNotAccessible", "InvalidSubnet", "InvalidVPCNetworkState", "DBSubnetGroupDoesNotCoverEnoughAZs",
		"VpcEncryptionControlViolation", "DBSnapshotAlreadyExists", "InvalidGlobalClusterState",
		"InvalidBlueGreenDeploymentState",
		// These name something else than the resource, so nothing of ours is gone.
		"AuthorizationNotFound", "DBCapacityReservationNotFound", "DBSubnetGroupNotFound", "NamespaceNotFound",
		"Client", "UnsupportedFeature", "PlatformUnknown", "PlatformTaskDefinitionIncompatibility",
	},
}

// classes is codesByClass turned round.
var classes = func() map[string]Class {
	classes := map[string]Class{}
	for class, codes := range codesByClass {
		for _, code := range codes {
			classes[code] = class
		}
	}
	return classes
}()
