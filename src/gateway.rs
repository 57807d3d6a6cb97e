//! What stands between the tools and the world, in its own words.

/// How whoever runs a gateway grants what a call lacks. The default is for hosts that know variables of the environment.
#[derive(Debug, Clone, Copy)]
pub struct Gateway {
    /// How requests to an origin, such as `https://api.nango.dev`, are allowed. Follows "the host denied outbound HTTP to …: ".
    pub allow: fn(origin: &str) -> String,
    /// How the variable that holds an API key is set. Follows "no API key for environment …: ".
    pub key: fn(variable: &str) -> String,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            allow: |_| "it must allow that origin to this component".to_owned(),
            key: |variable| format!("set {variable} where the server is started"),
        }
    }
}
