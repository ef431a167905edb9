/// The words of one vendor in fault texts.
struct FaultVocabulary: Sendable {
  /// What the texts start with; with `-auth`, those about signing in.
  let name: String
  let hasSignIn: Bool
  /// Of JSON-RPC, for `on METHOD`.
  var methods: [String] = []
  var habits: [VendorHabit] = []
  /// Words for a form of refusal, which may stand behind a status.
  var reasons: [String] = []
  /// The same at the sign-in routes.
  var signInReasons: [String] = []
}

/// A way of answering that a fault switches on, named by the words of the fault's text.
struct VendorHabit: Hashable, Sendable {
  let text: String
}
