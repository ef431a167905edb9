/// The vendor-specific words in fault texts.
struct FaultVocabulary: Sendable {
  /// The vendor name at the start of a text; with `-auth` for the sign-in routes.
  let name: String
  let hasSignIn: Bool
  /// JSON-RPC methods, for `on METHOD`.
  var methods: [String] = []
  var quirks: [VendorQuirk] = []
  /// Reasons that may follow a status and select the form of the error.
  var reasons: [String] = []
  /// The same for the sign-in routes.
  var signInReasons: [String] = []
}

/// A vendor quirk that a fault enables, named by the words of the fault text.
struct VendorQuirk: Hashable, Sendable {
  let text: String
}
