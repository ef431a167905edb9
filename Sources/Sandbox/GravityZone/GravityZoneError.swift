import JSON

/// An error of JSON-RPC, in the API's words.
struct GravityZoneError: Error {
  var code: Int
  var message: String
  var details: String
  /// What the answer's status is when errors are told by that, too.
  var status = 400

  /// Nearly everything that the API refuses has this code.
  static func refused(_ details: String, status: Int = 400) -> GravityZoneError {
    GravityZoneError(
      code: -32_602, message: "Invalid params", details: details, status: status)
  }

  static func invalid(_ parameter: String) -> GravityZoneError {
    .refused("Invalid value for '\(parameter)' parameter.")
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

  static let notQueryable = refused("This endpoint cannot be queried.", status: 403)
  static let notManaged = refused(
    "Invalid value for this 'endpointId'. The endpoint is not managed.", status: 422)
  static let endpointNotFound = refused(
    "Endpoint not found or not enough privileges to access this resource.", status: 403)
  static let notRestorable = refused(
    "This endpoint cannot be restored from isolation. It is either not isolated, cannot be "
      + "isolated or a isolation task is already in progress.", status: 409)
  static let otherCompany = refused(
    "One or more endpoints do not belong to the same company with the target custom group.",
    status: 409)

  // MARK: Groups

  static let groupNameTaken = refused("Group name already exists.", status: 409)
  static let noCustomGroup = refused(
    "Incorrect custom group specified through the 'groupId' parameter. "
      + "Please provide the id of a custom group.")
  static let groupNotEmpty = refused("The custom group is not empty.")

  // MARK: Block list and quarantine

  static let noBlocklistRight = refused(
    "Not enough rights for this companyId to add a hash to blocklist.", status: 403)
  static let noSuchBlocklistItem = refused(
    "The blocklisted file does not exist or you do not have enough rights to access this item.",
    status: 403)
  static let noValidTarget = refused("No valid target provided.")
  static let invalidTarget = refused("At least one specified target is invalid.")
  static let itemUnavailable = refused(
    "One or more items are not available for the specified action.")
}
