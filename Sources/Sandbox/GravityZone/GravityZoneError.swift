import JSON

/// A JSON-RPC error, in the API's words.
struct GravityZoneError: Error {
  var code: Int
  var message: String
  var details: String
  /// The HTTP status if errors are also reported by status.
  var status = 400

  /// The code of nearly all errors of the API.
  static func invalidParams(_ details: String, status: Int = 400) -> GravityZoneError {
    GravityZoneError(
      code: -32_602, message: "Invalid params", details: details, status: status)
  }

  static func invalid(_ parameter: String) -> GravityZoneError {
    .invalidParams("Invalid value for '\(parameter)' parameter.")
  }

  // MARK: JSON-RPC

  static let parseError = GravityZoneError(
    code: -32_700, message: "Parse error", details: "The request is not JSON.")
  static func invalidRequest(_ member: String) -> GravityZoneError {
    GravityZoneError(
      code: -32_600, message: "Invalid Request", details: "Member '\(member)' is not valid.")
  }
  static func noSuchMethod(_ name: String) -> GravityZoneError {
    GravityZoneError(
      code: -32_601, message: "Method not found",
      details: "Method '\(name)' is not available.", status: 404)
  }

  // MARK: Endpoints

  static let notQueryable = invalidParams("This endpoint cannot be queried.", status: 403)
  static let notManaged = invalidParams(
    "Invalid value for this 'endpointId'. The endpoint is not managed.", status: 422)
  static let endpointNotFound = invalidParams(
    "Endpoint not found or not enough privileges to access this resource.", status: 403)
  static let notRestorable = invalidParams(
    "This endpoint cannot be restored from isolation. It is either not isolated, cannot be "
      + "isolated or a isolation task is already in progress.", status: 409)
  static let otherCompany = invalidParams(
    "One or more endpoints do not belong to the same company with the target custom group.",
    status: 409)

  // MARK: Groups

  static let groupNameTaken = invalidParams("Group name already exists.", status: 409)
  static let noCustomGroup = invalidParams(
    "Incorrect custom group specified through the 'groupId' parameter. "
      + "Please provide the id of a custom group.")
  static let groupNotEmpty = invalidParams("The custom group is not empty.")

  // MARK: Block list and quarantine

  static let noBlocklistRight = invalidParams(
    "Not enough rights for this companyId to add a hash to blocklist.", status: 403)
  static let noSuchBlocklistItem = invalidParams(
    "The blocklisted file does not exist or you do not have enough rights to access this item.",
    status: 403)
  static let noValidTarget = invalidParams("No valid target provided.")
  static let invalidTarget = invalidParams("At least one specified target is invalid.")
  static let itemUnavailable = invalidParams(
    "One or more items are not available for the specified action.")
}
