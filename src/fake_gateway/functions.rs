//! The functions behind the gateway, and the routes that lead to them.

use hyper::Method;

/// A Lambda function; each serves one route of the guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    /// `GET /prod/catalog/items`
    ListItems,
    /// `GET /prod/catalog/items/{id}`
    GetItem,
    /// `POST /prod/auth/login`
    LogIn,
    /// `GET /prod/user/profile`
    GetProfile,
    /// `GET /prod/orders`
    ListOrders,
    /// `POST /prod/cart/items`
    AddToCart,
    /// `POST /prod/orders/checkout`
    CheckOut,
    /// `POST /prod/reports/generate-preview`
    GeneratePreview,
}

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// The gateway itself: is it there?
    Health,
    /// A function, with the `{id}` of its path where it has one.
    Function(Function, &'a str),
    /// Nowhere.
    Unknown,
}

impl Function {
    pub(super) const COUNT: usize = Self::GeneratePreview as usize + 1;

    /// Its name, which its log group has too.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ListItems => "list-items",
            Self::GetItem => "get-item",
            Self::LogIn => "log-in",
            Self::GetProfile => "get-profile",
            Self::ListOrders => "list-orders",
            Self::AddToCart => "add-to-cart",
            Self::CheckOut => "check-out",
            Self::GeneratePreview => "generate-preview",
        }
    }

    /// Whether the gateway's authorizer asks for a bearer token first.
    pub(super) fn needs_bearer(self) -> bool {
        !matches!(self, Self::ListItems | Self::GetItem | Self::LogIn)
    }
}

impl<'a> Route<'a> {
    /// The route of a request. A method that a path does not have is unknown, as it is to an HTTP API.
    pub(super) fn of(method: &Method, path: &'a str) -> Self {
        let get = method == Method::GET;
        let post = method == Method::POST;
        let function = match path {
            "/health" if get => return Self::Health,
            "/prod/catalog/items" if get => Function::ListItems,
            "/prod/user/profile" if get => Function::GetProfile,
            "/prod/orders" if get => Function::ListOrders,
            "/prod/auth/login" if post => Function::LogIn,
            "/prod/cart/items" if post => Function::AddToCart,
            "/prod/orders/checkout" if post => Function::CheckOut,
            "/prod/reports/generate-preview" if post => Function::GeneratePreview,
            _ => {
                let id = path.strip_prefix("/prod/catalog/items/");
                let id = id.filter(|id| get && !id.is_empty() && !id.contains('/'));
                return id.map_or(Self::Unknown, |id| Self::Function(Function::GetItem, id));
            }
        };
        Self::Function(function, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_of_the_guide_leads_to_its_function() {
        for (method, path, expected) in [
            (
                Method::GET,
                "/prod/catalog/items",
                Route::Function(Function::ListItems, ""),
            ),
            (
                Method::GET,
                "/prod/catalog/items/SKU-10458",
                Route::Function(Function::GetItem, "SKU-10458"),
            ),
            (
                Method::POST,
                "/prod/auth/login",
                Route::Function(Function::LogIn, ""),
            ),
            (
                Method::GET,
                "/prod/user/profile",
                Route::Function(Function::GetProfile, ""),
            ),
            (
                Method::GET,
                "/prod/orders",
                Route::Function(Function::ListOrders, ""),
            ),
            (
                Method::POST,
                "/prod/cart/items",
                Route::Function(Function::AddToCart, ""),
            ),
            (
                Method::POST,
                "/prod/orders/checkout",
                Route::Function(Function::CheckOut, ""),
            ),
            (
                Method::POST,
                "/prod/reports/generate-preview",
                Route::Function(Function::GeneratePreview, ""),
            ),
            (Method::GET, "/health", Route::Health),
        ] {
            assert_eq!(Route::of(&method, path), expected);
        }
    }

    #[test]
    fn other_paths_and_methods_lead_nowhere() {
        for (method, path) in [
            (Method::GET, "/"),
            (Method::GET, "/catalog/items"),
            (Method::GET, "/prod/catalog/items/"),
            (Method::GET, "/prod/catalog/items/SKU-10458/reviews"),
            (Method::GET, "/prod/auth/login"),
            (Method::DELETE, "/prod/orders"),
            (Method::POST, "/health"),
        ] {
            assert_eq!(Route::of(&method, path), Route::Unknown, "{method} {path}");
        }
    }
}
