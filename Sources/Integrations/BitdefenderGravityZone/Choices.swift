import IntegrationKit

/// A documented choice with the vendor's numeric code.
protocol VendorNumber: ParameterChoice {
  var number: Int { get }
}

extension VendorNumber {
  var documentedNumber: Int? { number }
}

enum HashType: String, VendorNumber {
  case sha256, md5

  var number: Int { self == .sha256 ? 1 : 2 }
}

enum ScanType: String, VendorNumber {
  case quick = "quick_scan"
  case full = "full_scan"
  case memory = "memory_scan"
  case custom = "custom_scan"

  var number: Int {
    switch self {
    case .quick: 1
    case .full: 2
    case .memory: 3
    case .custom: 4
    }
  }
}

enum ScanDepth: String, VendorNumber {
  case aggressive, normal, permissive

  var number: Int {
    switch self {
    case .aggressive: 1
    case .normal: 2
    case .permissive: 3
    }
  }
}

enum ScanStatus: String, VendorNumber {
  case pending
  case inProgress = "in_progress"
  case finished

  var number: Int {
    switch self {
    case .pending: 1
    case .inProgress: 2
    case .finished: 3
    }
  }
}

enum EndpointType: String, ParameterChoice {
  case endpoints
  case activeDirectory = "active_directory_endpoints"
}

enum UpdateMethod: String, ParameterChoice {
  case move, delete
}

enum QuarantineService: String, ParameterChoice {
  case computers = "computers_and_virtual_machines"
  case exchange = "security_for_exchange"
}

enum ActionStatus: String, VendorNumber {
  case none
  case pendingRemove = "pending_remove"
  case pendingRestore = "pending_restore"
  case removeFailed = "remove_failed"
  case restoreFailed = "restore_failed"
  case pendingSave = "pending_save"
  case failedSave = "failed_save"

  var number: Int {
    switch self {
    case .none: 0
    case .pendingRemove: 1
    case .pendingRestore: 2
    case .removeFailed: 3
    case .restoreFailed: 4
    case .pendingSave: 16
    case .failedSave: 17
    }
  }

  /// States that exist only for the computers service. Inferred: no page assigns states to
  /// services, but a file can be saved only there.
  static let ofComputers: [ActionStatus] = [.pendingSave, .failedSave]
}

/// The vendor's report types. Some numbers are unused.
enum ReportType: String, VendorNumber {
  case antiphishingActivity = "antiphishing_activity"
  case blockedApplications = "blocked_applications"
  case blockedWebsites = "blocked_websites"
  case customerStatusOverview = "customer_status_overview"
  case dataProtection = "data_protection"
  case deviceControlActivity = "device_control_activity"
  case endpointModulesStatus = "endpoint_modules_status"
  case endpointProtectionStatus = "endpoint_protection_status"
  case firewallActivity = "firewall_activity"
  case licenseStatus = "license_status"
  case malwareStatus = "malware_status"
  case monthlyLicenseUsage = "monthly_license_usage"
  case networkStatus = "network_status"
  case onDemandScanning = "on_demand_scanning"
  case policyCompliance = "policy_compliance"
  case securityAudit = "security_audit"
  case securityServerStatus = "security_server_status"
  case top10DetectedMalware = "top_10_detected_malware"
  case top10InfectedCompanies = "top_10_infected_companies"
  case top10InfectedEndpoints = "top_10_infected_endpoints"
  case updateStatus = "update_status"
  case upgradeStatus = "upgrade_status"
  case awsMonthlyUsage = "aws_monthly_usage"
  case emailSecurityUsage = "email_security_usage"
  case endpointEncryptionStatus = "endpoint_encryption_status"
  case hyperDetectActivity = "hyperdetect_activity"
  case networkPatchStatus = "network_patch_status"
  case sandboxAnalyzerFailedSubmissions = "sandbox_analyzer_failed_submissions"
  case networkIncidents = "network_incidents"
  case mdrServiceStatus = "mdr_service_status"
  case integrityMonitoringActivity = "integrity_monitoring_activity"
  case integrityMonitoringConfigurationChanges = "integrity_monitoring_configuration_changes"
  case mobileSecurityMonthlyLicenseUsage = "mobile_security_monthly_license_usage"
  case dataInsightsLicenseUsage = "data_insights_license_usage"
  case extendedEmailSecurityUsage = "extended_email_security_usage"
  case productTrialStatus = "product_trial_status"

  var number: Int {
    switch self {
    case .antiphishingActivity: 1
    case .blockedApplications: 2
    case .blockedWebsites: 3
    case .customerStatusOverview: 4
    case .dataProtection: 5
    case .deviceControlActivity: 6
    case .endpointModulesStatus: 7
    case .endpointProtectionStatus: 8
    case .firewallActivity: 9
    case .licenseStatus: 10
    case .malwareStatus: 12
    case .monthlyLicenseUsage: 13
    case .networkStatus: 14
    case .onDemandScanning: 15
    case .policyCompliance: 16
    case .securityAudit: 17
    case .securityServerStatus: 18
    case .top10DetectedMalware: 19
    case .top10InfectedCompanies: 20
    case .top10InfectedEndpoints: 21
    case .updateStatus: 22
    case .upgradeStatus: 23
    case .awsMonthlyUsage: 24
    case .emailSecurityUsage: 29
    case .endpointEncryptionStatus: 30
    case .hyperDetectActivity: 31
    case .networkPatchStatus: 32
    case .sandboxAnalyzerFailedSubmissions: 33
    case .networkIncidents: 34
    case .mdrServiceStatus: 35
    case .integrityMonitoringActivity: 36
    case .integrityMonitoringConfigurationChanges: 37
    case .mobileSecurityMonthlyLicenseUsage: 38
    case .dataInsightsLicenseUsage: 39
    case .extendedEmailSecurityUsage: 40
    case .productTrialStatus: 41
    }
  }
}
